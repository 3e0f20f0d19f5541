import { addressOf } from "../base/address.ts";
import { lazy } from "../base/lazy.ts";
import { reveal, Secret } from "../base/secret.ts";
import type { ProbeResult } from "../probe/result.ts";
import type { Choice, Verdict } from "../settings/choose.ts";
import {
  CHECKED_NAMES,
  type CheckedName,
  type DependencyName,
  type Endpoint,
  PROBED_NAMES,
  type ProbedName,
  sameEndpoint,
} from "../settings/dependencies.ts";
import { deriveEndpoint } from "../settings/derive.ts";
import type { Merged } from "../settings/merge.ts";
import { overridesSentinels, withoutOverriddenSentinels } from "../settings/sentinels.ts";
import { isSecretNamed } from "../settings/slot.ts";
import { makeTarget, movedTo, retarget, type Target, targetOf, withTarget } from "../settings/targets.ts";
import type { Wish } from "../settings/wish.ts";
import type { Memory } from "./memory.ts";

/** What the probes have found so far, by target key. */
export type Verdicts = ReadonlyMap<string, ProbeResult>;

/** A requested connection that is not in force: its probe has not succeeded (yet). */
export interface Pending {
  readonly dependency: ProbedName;
  readonly wanted: Endpoint;
  /** What stays in use meanwhile, in words; undefined at the very first start. */
  readonly inUse: string | undefined;
  /** Undefined while the first probe runs. */
  readonly reason: string | undefined;
  /** Set if the probe knows what helps. */
  readonly cure: string | undefined;
}

export interface Connections {
  /** With every unverified connection replaced by the one in force. */
  readonly merged: Merged;
  readonly pending: readonly Pending[];
  /** What should be probed now. */
  readonly probes: readonly Target[];
}

/**
 * No connection is used before a probe has found that Mastodon can work with it; the rest of a change does not wait for
 * that. At the very first start there is nothing better to keep, so a probe only decides among several candidates.
 */
export function verifyConnections(
  merged: Merged,
  choices: ReadonlyMap<DependencyName, Choice>,
  memory: Memory,
  verdicts: Verdicts,
  probed: readonly ProbedName[],
): Connections {
  let result: Connections = { merged, pending: [], probes: [] };
  for (const name of probed) result = verifyOne(result, name, choices.get(name), memory, verdicts);
  // Only now: until the operator's host is in force, Mastodon keeps asking the sentinels.
  return { ...result, merged: withoutOverriddenSentinels(result.merged) };
}

/** What is known about a candidate, with the credentials now in the settings or with those in force. */
export function verdictsFor(
  name: DependencyName,
  base: () => Merged,
  memory: Memory,
  verdicts: Verdicts,
): (endpoint: Endpoint) => Verdict {
  const probed = PROBED_NAMES.find((known) => known === name);
  if (probed === undefined) return () => undefined;
  const targets = lazy(() => both(targetOf(probed, base()), remembered(probed, memory)));
  return (endpoint) => {
    const results = targets().map((target) => verdicts.get(retarget(target, endpoint).key));
    if (results.some((result) => result?.kind === "writable")) return "good";
    return results.some((result) => result !== undefined) ? "bad" : undefined;
  };
}

/** The connection that Mastodon works with; undefined if it is not known or not in use. */
export function connectionInForce(name: CheckedName, memory: Memory): Target | undefined {
  const target = remembered(name, memory);
  const asksSentinels = "REDIS_SENTINELS" in memory.since;
  return target === undefined || !isUsed(target, asksSentinels) ? undefined : target;
}

/** With Sentinel, Mastodon asks the sentinels where Redis is; search is switched on by its own variable. */
export function isUsed({ dependency, wishes }: Target, asksSentinels: boolean): boolean {
  if (dependency === "redis") return !asksSentinels && wishes.has("REDISHOST");
  if (dependency === "elasticsearch")
    return wishes.get("ES_ENABLED")?.value === "true" && wishes.has("ES_HOST");
  return true;
}

/** The connections in force, to be remembered. */
export function targetsIn(merged: Merged): Memory["targets"] {
  const entries = CHECKED_NAMES.map((name) => {
    return [name, plainWishes(targetOf(name, merged))];
  });
  return Object.fromEntries(entries);
}

/** As it goes into the state, which is a protected file. */
export function plainWishes({ wishes }: Target): Memory["targets"][string] {
  const plain = [...wishes].map(([setting, wish]) => [setting, { ...wish, value: reveal(wish.value) }]);
  return Object.fromEntries(plain);
}

function verifyOne(
  before: Connections,
  name: ProbedName,
  choice: Choice | undefined,
  memory: Memory,
  verdicts: Verdicts,
): Connections {
  const wanted = targetOf(name, before.merged);
  const wantedEndpoint = deriveEndpoint(name, before.merged);
  if (wantedEndpoint === undefined) return before;
  const inForce = remembered(name, memory);
  const targets = both(wanted, inForce);
  const probes = [...before.probes, ...targets.flatMap((target) => doubtful(choice, target))];
  const verdict = verdicts.get(wanted.key);
  const asksSentinels = name === "redis" && memory.sentinels !== "";
  const isLeavingSentinels = asksSentinels && overridesSentinels(before.merged);
  if (inForce?.key === wanted.key && !isLeavingSentinels) return { ...before, probes };
  const moved = inForce && movesTo(choice, wantedEndpoint) ? movedTo(inForce, wanted) : undefined;
  const asked = [
    ...probes,
    ...both(wanted, moved),
    ...targets.flatMap((target) => alternatives(choice, target)),
  ];
  // Probed until it is in force: what is no longer probed is forgotten, and this may be waiting for its turn.
  if (verdict?.kind === "writable") return { ...before, probes: asked };
  const inUse = memory.endpoints[name];
  const pending: Pending = {
    dependency: name,
    wanted: wantedEndpoint,
    inUse: asksSentinels ? `Sentinel (${memory.sentinels})` : inUse && addressOf(inUse),
    reason: verdict?.reason,
    cure: verdict?.cure,
  };
  const all = { pending: [...before.pending, pending], probes: asked };
  // Credentials that do not work are not used, but must not keep Mastodon at a dead endpoint.
  const isMoved = moved !== undefined && verdicts.get(moved.key)?.kind === "writable";
  const best = isMoved ? moved : inForce;
  if (best !== undefined) return { ...all, merged: withTarget(before.merged, best) };
  return verdict === undefined
    ? { ...all, merged: before.merged }
    : { ...all, merged: before.merged, pending: before.pending };
}

function both(wanted: Target, other: Target | undefined): readonly Target[] {
  return other === undefined ? [wanted] : [wanted, other];
}

/** The catalogue asks for the endpoint, not an operator. */
function movesTo(choice: Choice | undefined, endpoint: Endpoint): boolean {
  return choice?.kind === "move" && sameEndpoint(choice.instance, endpoint);
}

/** Other candidates that would also do: the probe decides. */
function alternatives(choice: Choice | undefined, wanted: Target): readonly Target[] {
  if (choice?.kind !== "move") return [];
  return choice.others.map((instance) => retarget(wanted, instance));
}

/** If several instances look alike, only a probe can tell that the one in use was demoted. */
function doubtful(choice: Choice | undefined, wanted: Target): readonly Target[] {
  if (choice?.kind !== "keep" || choice.rivals.length === 0) return [];
  return [wanted, ...choice.rivals.map((instance) => retarget(wanted, instance))];
}

function remembered(name: CheckedName, memory: Memory): Target | undefined {
  const stored = memory.targets[name];
  if (stored === undefined || Object.keys(stored).length === 0) return undefined;
  const wishes = Object.entries(stored).map(([setting, wish]): [string, Wish] => [
    setting,
    { ...wish, value: isSecretNamed(setting) ? new Secret(wish.value) : wish.value },
  ]);
  return makeTarget(name, new Map(wishes));
}
