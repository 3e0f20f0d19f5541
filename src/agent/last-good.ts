import { isDeepStrictEqual } from "node:util";
import { DEPENDENCIES, type DependencyName, type Endpoint, sameEndpoint } from "../settings/dependencies.ts";
import { deriveEndpoint } from "../settings/derive.ts";
import { rankedIn } from "../settings/slot.ts";
import type { AcceptedEntry, KvEntry } from "../sources/kv.ts";
import { type Evaluation, evaluate, type Inputs, type Rules } from "./evaluate.ts";
import type { Memory } from "./memory.ts";

/** What stands in for KV while nobody has answered: what was applied last, and the hold that was there. */
export function knownKv(memory: Memory): readonly KvEntry[] {
  const { keys = [], reason = "", modifyIndex = 0 } = memory.hold ?? {};
  const holds = keys.map((key) => ({ key, value: Buffer.from(reason), modifyIndex }));
  return [...lastGoodKv(memory), ...holds];
}

/** Consul's index of the newest of these: an answer from before it comes from servers that are still catching up. */
export function knownIndex(memory: Memory): bigint {
  return BigInt(Math.max(0, ...knownKv(memory).map(({ modifyIndex }) => modifyIndex)));
}

/** The KV entries that were last applied and verified. */
export function lastGoodKv(memory: Memory): readonly KvEntry[] {
  return memory.kv.map((entry) => ({ ...entry, value: Buffer.from(entry.value) }));
}

/**
 * With the last good settings and certificates. If those do not differ from what is asked for, and an apply was cut
 * off, also with the last good endpoints.
 *
 * @param asked digest of what is asked for
 */
export function lastGood(
  rules: Rules,
  inputs: Inputs,
  asked: string | undefined,
  wasCutOff: boolean,
): Evaluation {
  const { memory } = inputs;
  const certificates = new Map([...inputs.certificates, ...inputs.goodCertificates]);
  const settings = { ...inputs, kv: lastGoodKv(memory), accepted: memory.kv, certificates };
  const evaluation = evaluate(rules, settings);
  const isOther = evaluation.desired?.digest !== asked;
  // From a dead endpoint there is only one way: forward.
  if (!wasCutOff || isOther || isUrgent(evaluation)) return evaluation;
  // As if Consul had never been asked.
  const catalogue = new Map([...inputs.catalogue.keys()].map((name) => [name, undefined]));
  return evaluate(rules, { ...settings, catalogue, sentinels: undefined });
}

/** Nothing from an operator is new: if a unit fails now, that is not the reason. */
export function hasGoodSettings({ kv }: Evaluation, memory: Memory): boolean {
  return isDeepStrictEqual(valuesOf(kv.accepted), valuesOf(memory.kv));
}

export function isUrgent(evaluation: Evaluation): boolean {
  return urgentMoves(evaluation).length > 0;
}

/** Where the endpoint in use is dead or demoted, and what replaces it is what will be rendered. */
export function urgentMoves({
  choices,
  merged,
}: Evaluation): readonly { readonly name: DependencyName; readonly to: Endpoint }[] {
  return [...choices].flatMap(([name, choice]) => {
    if (choice.kind !== "move" || !choice.urgent) return [];
    const to = deriveEndpoint(name, merged);
    const isTakenOver = to !== undefined && sameEndpoint(to, choice.instance);
    const isOffered = rankedIn(merged, DEPENDENCIES[name].host)?.[0].level === "catalogue";
    return isTakenOver && isOffered ? [{ name, to }] : [];
  });
}

function valuesOf(entries: readonly AcceptedEntry[]): ReadonlyMap<string, string> {
  return new Map(entries.map(({ key, value }) => [key, value]));
}
