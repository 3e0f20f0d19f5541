import { type Endpoint, sameEndpoint } from "./dependencies.ts";
import { type Instance, isCritical, isDown, shownCheck } from "./instance.ts";
import { type Leader, leaderInstance } from "./leader.ts";
import type { Offered } from "./overlay.ts";
import type { Level } from "./wish.ts";

/** The endpoint that Mastodon runs with now, and the level it was taken from. */
export interface EndpointInUse extends Offered {
  readonly level: Level;
}

/** An endpoint that was moved away from. */
export interface LeftEndpoint extends Endpoint {
  readonly atMs: number;
}

/** What a probe last found about an endpoint: whether Mastodon could work with it. Undefined: not known. */
export type Verdict = "good" | "bad" | undefined;

export interface Catalogue {
  /** Undefined: there is no answer yet, which says nothing about what is registered. */
  readonly instances: readonly Instance[] | undefined;
  readonly leader: Leader;
  readonly current: EndpointInUse | undefined;
  /** The environment has a host, so no candidate does not mean no endpoint. */
  readonly hasFallback: boolean;
  readonly left: readonly LeftEndpoint[];
  /** Since when each candidate has been one without interruption, by `candidateKey`. */
  readonly candidateSince: ReadonlyMap<string, number>;
  readonly verdictOf: (endpoint: Endpoint) => Verdict;
  readonly dwellMs: number;
  readonly nowMs: number;
}

/** What the catalogue says about one dependency's endpoint. */
export type Choice =
  /** `rivals` look just like it: only a probe can tell them apart. */
  | { readonly kind: "keep"; readonly instance: Instance; readonly rivals: readonly Instance[] }
  /** `urgent`: the endpoint in use is dead or demoted. `others` might do as well, if a probe says so. */
  | {
      readonly kind: "move";
      readonly instance: Instance;
      readonly urgent: boolean;
      readonly others: readonly Instance[];
    }
  /** No candidate: the endpoint in use stays. */
  | { readonly kind: "hold"; readonly endpoint: EndpointInUse; readonly reason: string }
  /** Consul could not be asked yet: the endpoint in use stays, and nothing is wrong with it. */
  | { readonly kind: "unasked"; readonly endpoint: EndpointInUse }
  /** A recently left endpoint is used again once it has been stable until then. */
  | {
      readonly kind: "dwell";
      readonly endpoint: EndpointInUse;
      readonly instance: Instance;
      readonly untilMs: number;
    }
  /** The catalogue has nothing to say: the next level decides. */
  | { readonly kind: "none"; readonly reason: string };

/** How long an endpoint counts as recently left, in dwell times. */
const RECENT_DWELLS = 20;

/** Picks the endpoint of one dependency. Pure: same catalogue, same answer. */
export function choose(catalogue: Catalogue): Choice {
  const { leader, instances } = catalogue;
  if (instances === undefined || leader.kind === "unasked") return unasked(catalogue);
  return chooseAmong({ ...catalogue, instances });
}

/** A catalogue that has answered. */
interface Answered extends Catalogue {
  readonly instances: readonly Instance[];
}

function chooseAmong(catalogue: Answered): Choice {
  const { leader, instances, current } = catalogue;
  if (leader.kind === "election") return withoutCandidate(catalogue, "an election is running");
  if (leader.kind === "member") return followLeader(catalogue, leader);
  const candidates = candidatesOf(instances);
  if (candidates.length === 0) return withoutCandidate(catalogue, reasonForNone(instances));
  if (current === undefined || current.level !== "catalogue") return take(catalogue, candidates, false);
  const inUse = candidates.find((candidate) => sameEndpoint(candidate, current));
  if (inUse !== undefined && !isOutvoted(catalogue, inUse, candidates)) return keep(inUse, candidates);
  return moveAway(catalogue, current, candidates);
}

/**
 * Instances that may be chosen: no check critical and, if any instance has a role tag, having that role. Passing ones
 * come before those with a warning, such as the one about a node's memory.
 */
export function candidatesOf(instances: readonly Instance[]): readonly Instance[] {
  const rolesAreTagged = instances.some(holdsRole);
  return instances
    .filter((instance) => isUsable(instance) && (!rolesAreTagged || holdsRole(instance)))
    .sort((one, other) => Number(hasWarning(one)) - Number(hasWarning(other)) || byServiceId(one, other));
}

function isUsable(instance: Instance): boolean {
  return !isDown(instance) && instance.fault === undefined;
}

/** Of a candidate: it has no worse checks. */
function hasWarning({ failing }: Instance): boolean {
  return failing.length > 0;
}

/** Identifies a candidate across snapshots. */
export function candidateKey(endpoint: Endpoint): string {
  return `${endpoint.host} ${endpoint.port}`;
}

/** Why an instance is not a candidate, for people; undefined if it is one. */
export function whyNot(
  instance: Instance,
  instances: readonly Instance[],
  leader: Leader,
): string | undefined {
  if (instance.fault !== undefined) return instance.fault;
  if (leader.kind === "unasked") return "Consul has not yet said who leads";
  if (leader.kind === "election") return "an election is running";
  if (leader.kind === "member") {
    return instance.id === `${leader.scope}/${leader.name}`
      ? undefined
      : `the leader key names ${leader.name}`;
  }
  if (isDown(instance)) return worstCheck(instance);
  return instances.some(holdsRole) && !holdsRole(instance)
    ? "another instance carries the primary tag"
    : undefined;
}

/** What its worst check says, for people; undefined if all are passing. */
export function worstCheck({ failing }: Instance): string | undefined {
  const check = failing.find(isCritical) ?? failing[0];
  if (check === undefined) return undefined;
  const { name, status, output } = shownCheck(check);
  const more = failing.length === 1 ? "" : ` (and ${failing.length - 1} more)`;
  return `check "${name}" is ${status}${more}${output === "" ? "" : `: ${output}`}`;
}

/** Patroni overrides checks and tags, and needs no dwell: the endpoint it left cannot be written to. */
function followLeader(catalogue: Answered, leader: Extract<Leader, { kind: "member" }>): Choice {
  const instance = leaderInstance(leader, catalogue.instances);
  if (instance === undefined)
    return withoutCandidate(catalogue, `the leader ${leader.name} has no known address`);
  const { current } = catalogue;
  if (current !== undefined && sameEndpoint(instance, current)) return keep(instance, []);
  return { kind: "move", instance, urgent: current?.level === "catalogue", others: [] };
}

function keep(instance: Instance, candidates: readonly Instance[]): Choice {
  return { kind: "keep", instance, rivals: candidates.filter((candidate) => candidate !== instance) };
}

function unasked(catalogue: Catalogue): Choice {
  const choice = withoutCandidate(catalogue, "Consul has not answered yet");
  return choice.kind === "hold" ? { kind: "unasked", endpoint: choice.endpoint } : choice;
}

function withoutCandidate({ current, hasFallback }: Catalogue, reason: string): Choice {
  if (current === undefined || (current.level !== "catalogue" && hasFallback))
    return { kind: "none", reason };
  return { kind: "hold", endpoint: current, reason };
}

function reasonForNone(instances: readonly Instance[]): string {
  return instances.length === 0 ? "no instance is registered" : "no instance is both healthy and primary";
}

/** The probe finds the endpoint in use demoted, and another one that is not: tags would have said so. */
function isOutvoted({ verdictOf }: Catalogue, inUse: Instance, candidates: readonly Instance[]): boolean {
  const rivals = candidates.filter((candidate) => candidate !== inUse);
  return rivals.some((rival) => verdictOf(rival) === "good") && verdictOf(inUse) === "bad";
}

/** Coming from another level, the same endpoint is not a move. */
function take(catalogue: Catalogue, candidates: readonly Instance[], urgent: boolean): Choice {
  const { current, verdictOf } = catalogue;
  const same = current && candidates.find((candidate) => sameEndpoint(candidate, current));
  if (same !== undefined && !urgent) return keep(same, candidates);
  const [best, ...others] = [...candidates].sort(
    (one, other) => rank(one, verdictOf(one)) - rank(other, verdictOf(other)),
  );
  return best === undefined
    ? withoutCandidate(catalogue, "no candidate")
    : { kind: "move", instance: best, urgent, others };
}

function moveAway(catalogue: Answered, current: EndpointInUse, candidates: readonly Instance[]): Choice {
  const elsewhere = candidates.filter((candidate) => !sameEndpoint(candidate, current));
  const isAlive = catalogue.instances.some(
    (instance) => isUsable(instance) && sameEndpoint(instance, current),
  );
  // What a probe found unusable counts as dead.
  if (!isAlive || catalogue.verdictOf(current) === "bad") return take(catalogue, elsewhere, true);
  const waits = elsewhere.map((candidate) => ({ candidate, untilMs: stableAtMs(catalogue, candidate) }));
  const ready = waits.filter(({ untilMs }) => untilMs <= catalogue.nowMs).map(({ candidate }) => candidate);
  if (ready.length > 0) return take(catalogue, ready, true);
  const [next] = waits.sort((one, other) => one.untilMs - other.untilMs);
  if (next === undefined) return withoutCandidate(catalogue, "no candidate");
  return { kind: "dwell", endpoint: current, instance: next.candidate, untilMs: next.untilMs };
}

/** When moving to a candidate is allowed: at once, unless it was left recently. */
function stableAtMs({ left, candidateSince, dwellMs, nowMs }: Catalogue, candidate: Instance): number {
  const leftAtMs = Math.max(
    ...left.filter((endpoint) => sameEndpoint(endpoint, candidate)).map(({ atMs }) => atMs),
  );
  if (nowMs - leftAtMs > dwellMs * RECENT_DWELLS) return nowMs;
  return Math.max(leftAtMs, candidateSince.get(candidateKey(candidate)) ?? nowMs) + dwellMs;
}

/** Patroni tags its leader `master`, `primary` or both, depending on its version. */
function holdsRole({ tags }: Instance): boolean {
  return tags.includes("primary") || tags.includes("master");
}

const RANKS = { good: 0, unknown: 1, bad: 4 } as const;

/**
 * What the probe refuses comes last; before that, one with a warning waits until every passing one has been probed.
 * Sorting is stable, so the lowest service ID stays first among equals.
 */
function rank(instance: Instance, verdict: Verdict): number {
  return RANKS[verdict ?? "unknown"] + (hasWarning(instance) ? 2 : 0);
}

function byServiceId(one: Instance, other: Instance): number {
  return compare(one.id, other.id) || compare(one.node, other.node);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
