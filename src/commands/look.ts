import { CLIENT_UNIT } from "../agent/client-config.ts";
import { type Evaluation, evaluate } from "../agent/evaluate.ts";
import { certifiedDomains, configuredFacts } from "../agent/facts.ts";
import { keyStorageOf } from "../agent/key-storage.ts";
import { type Memory, memorySchema, NO_MEMORY } from "../agent/memory.ts";
import { serviceNames } from "../agent/services.ts";
import { steadyMs } from "../base/clock.ts";
import { isAgentError, Misconfigured, messageOf, TryAgain } from "../base/errors.ts";
import { type ConsulClient, createConsulClient } from "../consul/client.ts";
import { loadKeys, type PinnedKeys } from "../keys/load.ts";
import type { Options } from "../options.ts";
import { DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import type { KvEntry } from "../sources/kv.ts";
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
  const memory = (await readState(options.config.paths.state, memorySchema)) ?? NO_MEMORY;
  const [asked, found] = await Promise.all([ask(client, options, memory), readKeys(options)]);
  const keys = found instanceof TryAgain ? undefined : found;
  const evaluation = evaluate(
    {
      prefix: options.config.watch.prefix,
      node: options.node,
      environment: options.environment,
      dwellMs: options.config.dependencies.dwell,
      files: options.files,
      units: options.units.map(({ name }) => name).filter((name) => name !== CLIENT_UNIT),
    },
    {
      ...asked,
      memory,
      candidateTimes: new Map(),
      keys: keys?.variables,
      facts: configuredFacts(options),
      certificates: await certifiedDomains(options.config.paths.certificates),
      nowMs: steadyMs(),
    },
  );
  const keysError = found instanceof TryAgain ? found : undefined;
  return { evaluation, memory, keys, keysError, consulError: asked.consulError };
}

interface Asked {
  readonly kv: readonly KvEntry[];
  readonly catalogue: ReadonlyMap<DependencyName, readonly Instance[]>;
  readonly consulError: string | undefined;
}

async function ask(client: ConsulClient, options: Options, memory: Memory): Promise<Asked> {
  const services = serviceNames(options);
  const watched = DEPENDENCY_NAMES.filter((name) => services[name] !== "");
  const now = { index: 0n, waitMs: 0, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) };
  try {
    const kv = await client.kvPrefix(`${options.config.watch.prefix}/`, now);
    const instances = await Promise.all(watched.map((name) => client.instances(services[name], now)));
    return {
      kv: kv.value,
      catalogue: new Map(watched.map((name, at) => [name, instances[at]?.value ?? []])),
      consulError: undefined,
    };
  } catch (error) {
    return {
      kv: memory.kv.map((entry) => ({ ...entry, value: Buffer.from(entry.value) })),
      catalogue: new Map(watched.map((name) => [name, []])),
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
