import { askOnce, type Unanswered } from "../agent/ask-once.ts";
import { CertificateFolders } from "../agent/certificate-folders.ts";
import { type Evaluation, evaluate, type Inputs, type Rules, rulesOf } from "../agent/evaluate.ts";
import { configuredFacts } from "../agent/facts.ts";
import { keyStorageOf } from "../agent/key-storage.ts";
import { knownKv } from "../agent/last-good.ts";
import { liveMemory } from "../agent/live-file.ts";
import { type Memory, memorySchema, NO_MEMORY } from "../agent/memory.ts";
import { probeOnce } from "../agent/probes.ts";
import { questionsTo, sourcesOf } from "../agent/questions.ts";
import { settingText } from "../agent/render-input.ts";
import { steadyMs } from "../base/clock.ts";
import { isAgentError, Misconfigured, TryAgain } from "../base/errors.ts";
import type { ConsulClient } from "../consul/client.ts";
import { createConsulClient } from "../consul/create-client.ts";
import { createPinStore } from "../consul/pins.ts";
import { type KeyPreview, loadKeys, type PinnedKeys, previewKeys } from "../keys/load.ts";
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
  /** The key files that a start would create; for these `keys` has values that are thrown away. */
  readonly missingKeys: KeyPreview["missing"];
  /** Why there are no keys to render with. */
  readonly keysError: KeysError | undefined;
}

/** Refused, or still to be created. */
export type KeysError = Misconfigured | TryAgain;

/** The keys to render with. @throws as `loadKeys` does */
export type ReadKeys = (
  options: Options,
  client: ConsulClient,
  domain: string | undefined,
) => Promise<KeyPreview>;

/** The keys of the next start: compared with the pins, and made up where the start would create them. */
export const keysOfNextStart: ReadKeys = (options, client, domain) =>
  previewKeys(keyStorageOf(options), domain === undefined ? undefined : createPinStore(client, domain));

export async function look(options: Options, readKeys: ReadKeys = readOnly): Promise<Look> {
  const client = createConsulClient(options.connection);
  const questions = questionsTo(client, sourcesOf(options));
  const certificates = new CertificateFolders(options);
  const memory = await known(options);
  const [{ world, unanswered }] = await Promise.all([
    askOnce(questions, AbortSignal.timeout(ANSWER_TIMEOUT_MS)),
    certificates.look(memory.certificates),
  ]);
  const rules = rulesOf(options);
  const inputs = {
    ...world,
    kv: world.kv ?? knownKv(memory),
    accepted: memory.kv,
    memory,
    candidateTimes: new Map(),
    keys: undefined,
    facts: configuredFacts(options),
    certificates: certificates.byDomain,
    goodCertificates: certificates.lastGood,
    nowMs: steadyMs(),
  };
  const { verdicts, merged } = await probed(rules, inputs);
  const found = await keysOrError(() => readKeys(options, client, settingText(merged, "DOMAIN")));
  const evaluation = evaluate(rules, { ...inputs, verdicts, keys: found.keys?.variables });
  return { evaluation, memory, unanswered, ...found };
}

/** For standard error, before anything that depends on it. */
export function standIns({ unanswered }: Pick<Look, "unanswered">): readonly string[] {
  const lines = unanswered.map(({ name, kind, problem }) =>
    kind === "unreachable"
      ? `Consul was not asked (${problem}): these are the last known good settings.`
      : `Consul gave no answer for ${name} (${problem}): this shows what is in force.`,
  );
  return [...new Set(lines)];
}

/** What the agent remembers, or would remember at its first start. */
async function known(options: Options): Promise<Memory> {
  const memory = (await readState(options.config.paths.state, memorySchema)) ?? NO_MEMORY;
  if (memory.applied !== undefined) return memory;
  return { ...memory, ...(await liveMemory(keyStorageOf(options).liveEnvFile)) };
}

/** The verdicts of the probes that the loop would want, except that each gets one chance. */
async function probed(rules: Rules, inputs: Omit<Inputs, "verdicts">) {
  const verdicts = new Map<string, ProbeResult>();
  const { signal } = new AbortController();
  for (;;) {
    const { probes, merged } = evaluate(rules, { ...inputs, verdicts });
    const wanted = new Map(probes.map((target) => [target.key, target]));
    const asked = [...wanted.values()].filter(({ key }) => !verdicts.has(key));
    if (asked.length === 0) return { verdicts, merged };
    await Promise.all(asked.map(async (target) => verdicts.set(target.key, await probeOnce(target, signal))));
  }
}

/** Without pins nothing is created and nothing compared: it only reads. */
const readOnly: ReadKeys = async (options) => {
  return { keys: await loadKeys(keyStorageOf(options), undefined), missing: [] };
};

async function keysOrError(
  read: () => Promise<KeyPreview>,
): Promise<Pick<Look, "keys" | "missingKeys" | "keysError">> {
  try {
    const { keys, missing } = await read();
    return { keys, missingKeys: missing, keysError: undefined };
  } catch (error) {
    if (!isAgentError(error)) throw error;
    const keysError =
      error instanceof Misconfigured ? error : new TryAgain(error.complaint, { cause: error });
    return { keys: undefined, missingKeys: [], keysError };
  }
}
