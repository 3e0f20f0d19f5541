import { askOnce, type Unanswered } from "../agent/ask-once.ts";
import { CertificateFolders } from "../agent/certificate-folders.ts";
import { type Evaluation, evaluate, type Inputs, type Rules, rulesOf } from "../agent/evaluate.ts";
import { configuredFacts } from "../agent/facts.ts";
import { keyStorageOf } from "../agent/key-storage.ts";
import { lastGoodKv } from "../agent/last-good.ts";
import { liveConnections } from "../agent/live-connections.ts";
import { type Memory, memorySchema, NO_MEMORY } from "../agent/memory.ts";
import { probeOnce } from "../agent/probes.ts";
import { questionsTo, sourcesOf } from "../agent/questions.ts";
import { steadyMs } from "../base/clock.ts";
import { isAgentError, Misconfigured, TryAgain } from "../base/errors.ts";
import { createConsulClient } from "../consul/create-client.ts";
import { loadKeys, type PinnedKeys } from "../keys/load.ts";
import type { Options } from "../options.ts";
import type { ProbeResult } from "../probe/result.ts";
import { readState } from "../state/store.ts";

const ANSWER_TIMEOUT_MS = 5000;

/** One look at everything, for commands that query instead of watching. Changes nothing. */
export interface Look {
  readonly evaluation: Evaluation;
  readonly memory: Memory;
  /** What Consul did not answer; there the last known good is used. */
  readonly unanswered: readonly Unanswered[];
  readonly keys: PinnedKeys | undefined;
  /** Why there are no keys to render with. */
  readonly keysError: TryAgain | undefined;
}

/** @throws Misconfigured when the keys are refused */
export async function look(options: Options): Promise<Look> {
  const questions = questionsTo(createConsulClient(options.connection), sourcesOf(options));
  const certificates = new CertificateFolders(options);
  const memory = await known(options);
  const [{ world, unanswered }, found] = await Promise.all([
    askOnce(questions, AbortSignal.timeout(ANSWER_TIMEOUT_MS)),
    readKeys(options),
    certificates.look(memory.certificates),
  ]);
  const keys = found instanceof TryAgain ? undefined : found;
  const evaluation = await evaluateProbed(rulesOf(options), {
    ...world,
    kv: world.kv ?? lastGoodKv(memory),
    accepted: memory.kv,
    memory,
    candidateTimes: new Map(),
    keys: keys?.variables,
    facts: configuredFacts(options),
    certificates: certificates.byDomain,
    goodCertificates: certificates.lastGood,
    nowMs: steadyMs(),
  });
  return { evaluation, memory, keys, unanswered, keysError: found instanceof TryAgain ? found : undefined };
}

/** For standard error, before anything that depends on it. */
export function standIns({ unanswered }: Pick<Look, "unanswered">): readonly string[] {
  const lines = unanswered.map(({ name, kind, problem }) =>
    kind === "unreachable"
      ? `Consul was not asked (${problem}): the last known good settings stand in.`
      : `Consul was asked in vain for ${name} (${problem}): what is in force stands in.`,
  );
  return [...new Set(lines)];
}

/** What the agent remembers, or would remember at its first start. */
async function known(options: Options): Promise<Memory> {
  const memory = (await readState(options.config.paths.state, memorySchema)) ?? NO_MEMORY;
  if (memory.applied !== undefined) return memory;
  return { ...memory, ...(await liveConnections(keyStorageOf(options).liveEnvFile)) };
}

/** As in the loop, except that each probe gets one chance. */
async function evaluateProbed(rules: Rules, inputs: Omit<Inputs, "verdicts">): Promise<Evaluation> {
  const verdicts = new Map<string, ProbeResult>();
  const { signal } = new AbortController();
  for (;;) {
    const evaluation = evaluate(rules, { ...inputs, verdicts });
    const wanted = new Map(evaluation.probes.map((target) => [target.key, target]));
    const asked = [...wanted.values()].filter(({ key }) => !verdicts.has(key));
    if (asked.length === 0) return evaluation;
    await Promise.all(asked.map(async (target) => verdicts.set(target.key, await probeOnce(target, signal))));
  }
}

/** Without pins nothing is created and nothing compared: it only reads. */
async function readKeys(options: Options): Promise<PinnedKeys | TryAgain> {
  try {
    return await loadKeys(keyStorageOf(options), undefined);
  } catch (error) {
    if (error instanceof Misconfigured || !isAgentError(error)) throw error;
    return new TryAgain(error.complaint, { cause: error });
  }
}
