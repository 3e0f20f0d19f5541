import { type Endpoint, sameEndpoint } from "./dependencies.ts";
import type { Instance } from "./instance.ts";
import type { Level } from "./wish.ts";

/** The endpoint that Mastodon runs with now, and the level it was taken from. */
export interface EndpointInUse extends Endpoint {
  readonly level: Level;
}

/** An endpoint that was moved away from. */
export interface LeftEndpoint extends Endpoint {
  readonly atMs: number;
}

export interface Catalogue {
  readonly instances: readonly Instance[];
  readonly current: EndpointInUse | undefined;
  /** The environment names a host, so that having no candidate is not having nothing. */
  readonly hasFallback: boolean;
  readonly left: readonly LeftEndpoint[];
  /** Since when each candidate has been one without a break, by `candidateKey`. */
  readonly candidateSince: ReadonlyMap<string, number>;
  readonly dwellMs: number;
  readonly nowMs: number;
}

/** What the catalogue says of one dependency's endpoint. */
export type Choice =
  | { readonly kind: "keep"; readonly instance: Instance }
  /** `urgent`: the endpoint in use is dead or demoted. */
  | { readonly kind: "move"; readonly instance: Instance; readonly urgent: boolean }
  /** No candidate: the endpoint in use stays. */
  | { readonly kind: "hold"; readonly endpoint: EndpointInUse; readonly reason: string }
  /** The way back to an endpoint that was left recently is taken once it was stable until then. */
  | {
      readonly kind: "dwell";
      readonly endpoint: EndpointInUse;
      readonly instance: Instance;
      readonly untilMs: number;
    }
  /** The catalogue has nothing to say: the next level decides. */
  | { readonly kind: "none"; readonly reason: string };

/** For this long an endpoint counts as left recently, in dwell times. */
const RECENT_DWELLS = 20;

/** Picks the endpoint of one dependency. Pure: same catalogue, same answer. */
export function choose(catalogue: Catalogue): Choice {
  const { current } = catalogue;
  const candidates = candidatesOf(catalogue.instances);
  const [best] = candidates;
  if (best === undefined) return withoutCandidate(catalogue);
  if (current === undefined || current.level !== "catalogue") return keepOrMove(current, candidates, best);
  const inUse = candidates.find((candidate) => sameEndpoint(candidate, current));
  if (inUse !== undefined) return { kind: "keep", instance: inUse };
  return moveAway(catalogue, current, candidates, best);
}

/** Instances that may be chosen: every check passing and, where any instance has a role tag, holding the role. */
export function candidatesOf(instances: readonly Instance[]): readonly Instance[] {
  const rolesAreTagged = instances.some(holdsRole);
  return instances
    .filter((instance) => instance.passing && (!rolesAreTagged || holdsRole(instance)))
    .sort(byServiceId);
}

/** Identifies a candidate across snapshots. */
export function candidateKey(endpoint: Endpoint): string {
  return `${endpoint.host} ${endpoint.port}`;
}

/** Why an instance is no candidate, for people; undefined if it is one. */
export function whyNot(instance: Instance, instances: readonly Instance[]): string | undefined {
  if (!instance.passing) return "a check is not passing";
  return instances.some(holdsRole) && !holdsRole(instance)
    ? "another instance carries the primary tag"
    : undefined;
}

function withoutCandidate({ instances, current, hasFallback }: Catalogue): Choice {
  const reason = instances.length === 0 ? "no instance is registered" : "no instance is passing and primary";
  if (current === undefined || (current.level !== "catalogue" && hasFallback))
    return { kind: "none", reason };
  return { kind: "hold", endpoint: current, reason };
}

/** Coming from another level: the same endpoint is no move at all. */
function keepOrMove(current: Endpoint | undefined, candidates: readonly Instance[], best: Instance): Choice {
  const same = current && candidates.find((candidate) => sameEndpoint(candidate, current));
  return same ? { kind: "keep", instance: same } : { kind: "move", instance: best, urgent: false };
}

function moveAway(
  catalogue: Catalogue,
  current: EndpointInUse,
  candidates: readonly Instance[],
  best: Instance,
): Choice {
  const isAlive = catalogue.instances.some((instance) => instance.passing && sameEndpoint(instance, current));
  if (!isAlive) return { kind: "move", instance: best, urgent: true };
  const waits = candidates.map((candidate) => ({ candidate, untilMs: stableAtMs(catalogue, candidate) }));
  const ready = waits.find(({ untilMs }) => untilMs <= catalogue.nowMs);
  if (ready !== undefined) return { kind: "move", instance: ready.candidate, urgent: true };
  const untilMs = Math.min(...waits.map((wait) => wait.untilMs));
  return { kind: "dwell", endpoint: current, instance: best, untilMs };
}

/** The moment at which moving to a candidate is allowed: at once, unless it was left recently. */
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

function byServiceId(one: Instance, other: Instance): number {
  return compare(one.id, other.id) || compare(one.node, other.node);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
