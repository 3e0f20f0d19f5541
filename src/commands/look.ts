import { type Evaluation, evaluate, type Inputs, type Rules, rulesOf } from "../agent/evaluate.ts";
import { certifiedDomains, configuredFacts } from "../agent/facts.ts";
import { keyStorageOf } from "../agent/key-storage.ts";
import { liveConnections } from "../agent/live-connections.ts";
import { type Memory, memorySchema, NO_MEMORY } from "../agent/memory.ts";
import { probeOnce } from "../agent/probes.ts";
import { patroniScope, serviceNames } from "../agent/services.ts";
import { steadyMs } from "../base/clock.ts";
import { isAgentError, Misconfigured, messageOf, TryAgain } from "../base/errors.ts";
import type { ConsulClient } from "../consul/client.ts";
import { createConsulClient } from "../consul/create-client.ts";
import { readLeader } from "../consul/patroni.ts";
import { loadKeys, type PinnedKeys } from "../keys/load.ts";
import type { Options } from "../options.ts";
import { DEPENDENCY_NAMES } from "../settings/dependencies.ts";
import { LEADER_UNASKED, NO_LEADER } from "../settings/leader.ts";
import { readState } from "../state/store.ts";

const ANSWER_TIMEOUT_MS = 5000;

/** One look at everything, for the commands that ask instead of watching. Changes nothing. */
export interface Look {
  readonly evaluation: Evaluation;
  readonly memory: Memory;
  /** Why Consul was not asked; then the last known good KV stands in. */
  readonly consulError: string | undefined;
  readonly keys: PinnedKeys | undefined;
  /** Why there are no keys to render with. */
  readonly keysError: TryAgain | undefined;
}

/** @throws Misconfigured when the keys are refused */
export async function look(options: Options): Promise<Look> {
  const client = createConsulClient(options.connection);
  const memory = await known(options);
  const [{ consulError, ...asked }, found] = await Promise.all([
    ask(client, options, memory),
    readKeys(options),
  ]);
  const keys = found instanceof TryAgain ? undefined : found;
  const evaluation = await evaluateProbed(rulesOf(options), {
    ...asked,
    accepted: memory.kv,
    verdicts: new Map(),
    memory,
    candidateTimes: new Map(),
    keys: keys?.variables,
    facts: configuredFacts(options),
    certificates: await certifiedDomains(options),
    goodCertificates: new Map(),
    nowMs: steadyMs(),
  });
  return { evaluation, memory, keys, consulError, keysError: found instanceof TryAgain ? found : undefined };
}

/** What the agent remembers, or would at its first start. */
async function known(options: Options): Promise<Memory> {
  const memory = (await readState(options.config.paths.state, memorySchema)) ?? NO_MEMORY;
  if (memory.applied !== undefined) return memory;
  return { ...memory, ...(await liveConnections(keyStorageOf(options).liveEnvFile)) };
}

/** As the loop does it, only that each probe gets one chance. */
async function evaluateProbed(rules: Rules, inputs: Inputs): Promise<Evaluation> {
  const { probes } = evaluate(rules, inputs);
  const { signal } = new AbortController();
  const verdicts = await Promise.all(
    probes.map(async (target) => [target.key, await probeOnce(target, signal)] as const),
  );
  return evaluate(rules, { ...inputs, verdicts: new Map(verdicts) });
}

type Asked = Pick<Inputs, "kv" | "leader" | "catalogue" | "sentinels"> & Pick<Look, "consulError">;

async function ask(client: ConsulClient, options: Options, memory: Memory): Promise<Asked> {
  const services = serviceNames(options);
  const scope = patroniScope(options);
  const sentinel = options.config.dependencies.redis.sentinel.service;
  const watched = DEPENDENCY_NAMES.filter((name) => services[name] !== "");
  const now = { index: 0n, waitMs: 0, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) };
  try {
    const kv = await client.kvPrefix(`${options.config.watch.prefix}/`, now);
    const leader = scope === undefined ? NO_LEADER : (await readLeader(client, scope, now)).value;
    const instances = await Promise.all(watched.map((name) => client.instances(services[name], now)));
    const catalogue = new Map(watched.map((name, at) => [name, instances[at]?.value]));
    const sentinels = sentinel === "" ? [] : (await client.instances(sentinel, now)).value;
    return { kv: kv.value, leader, catalogue, sentinels, consulError: undefined };
  } catch (error) {
    return {
      kv: memory.kv.map((entry) => ({ ...entry, value: Buffer.from(entry.value) })),
      leader: scope === undefined ? NO_LEADER : LEADER_UNASKED,
      sentinels: undefined,
      catalogue: new Map(watched.map((name) => [name, undefined])),
      consulError: messageOf(error),
    };
  }
}

/** Without pins nothing is made and nothing is compared: reading alone. */
async function readKeys(options: Options): Promise<PinnedKeys | TryAgain> {
  try {
    return await loadKeys(keyStorageOf(options), undefined);
  } catch (error) {
    if (error instanceof Misconfigured || !isAgentError(error)) throw error;
    return new TryAgain(error.complaint, { cause: error });
  }
}
