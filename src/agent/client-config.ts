import { setTimeout as sleep } from "node:timers/promises";
import { place } from "../apply/place.ts";
import { type Desired, type DesiredFile, NO_PROCESS_VARIABLES } from "../apply/plan.ts";
import { digest } from "../base/digest.ts";
import { TryAgain } from "../base/errors.ts";
import { redactor } from "../base/secret.ts";
import { moveForeignKeyring } from "../consul/keyring.ts";
import { configuredNodeId, nodeIdIn } from "../consul/node-id.ts";
import type { TemplatedFile } from "../options/templates.ts";
import type { Options } from "../options.ts";
import type { Problems } from "../report/problems.ts";
import { type Merged, merge } from "../settings/merge.ts";
import { NO_WISHES } from "../settings/wish.ts";
import { configuredFacts } from "./facts.ts";
import type { Memory } from "./memory.ts";
import { errorProblem } from "./problems.ts";
import { renderInput } from "./render-input.ts";
import { retryDelayMs } from "./schedule.ts";
import { secretsBeside, secretsIn } from "./secrets.ts";
import { carryOut, fullPlan, isEmpty, type Workshop } from "./transact.ts";

/** The unit of the Consul client. It reads no variable, so the loop leaves it alone. */
export const CLIENT_UNIT = "consul";

/**
 * Writes the Consul client's configuration from the environment alone, because nothing is known from Consul yet, and
 * gets its unit to run with it. Retries until that has worked or the signal aborts.
 */
export async function configureClient(
  options: Options,
  workshop: Workshop,
  problems: Problems,
  signal: AbortSignal,
): Promise<void> {
  if (options.clientFile === undefined) return;
  const file = render(options, options.clientFile, await keptNodeId(options, workshop));
  const redact = redactor([
    ...secretsIn(known(options), undefined),
    ...secretsBeside(options, workshop.store.read()),
  ]);
  const applyOnce = async (): Promise<unknown> => {
    const placed = await place(desiredClient(file)).catch((error: TryAgain) => error);
    if (placed instanceof TryAgain) return placed;
    const task = await fullPlan(placed, workshop);
    if (!isEmpty(task)) await forgetOldGossipKey(options, workshop);
    const outcome = await carryOut(task, workshop, redact, signal);
    return outcome.kind === "applied" ? undefined : outcome.error;
  };
  for (let failures = 1; !signal.aborted; failures++) {
    const error = await applyOnce();
    if (error === undefined) return problems.replace("client", []);
    problems.replace("client", [errorProblem("consul_client_failed", CLIENT_UNIT, error)]);
    await sleep(retryDelayMs(failures), undefined, { signal }).catch(() => {});
  }
}

/** The file as it would be written; undefined where it is not ours. Changes nothing. */
export async function desiredClientFile(options: Options, memory: Memory): Promise<DesiredFile | undefined> {
  if (options.clientFile === undefined) return undefined;
  return render(options, options.clientFile, await nodeIdOf(options, memory));
}

function render(
  options: Options,
  { spec, template }: TemplatedFile,
  nodeId: string | undefined,
): DesiredFile {
  const { consul, ...facts } = configuredFacts(options);
  const withId = { ...facts, consul: { ...consul, node_id: nodeId } };
  return {
    spec,
    content: template.render(renderInput(known(options), new Map(), withId, new Map(), options.own)),
  };
}

/** Before anything is known from Consul. */
function known({ environment }: Options): Merged {
  return merge({
    node: NO_WISHES,
    shared: NO_WISHES,
    catalogue: NO_WISHES,
    environment,
    machine: NO_WISHES,
    live: NO_WISHES,
  });
}

function desiredClient(file: DesiredFile): Desired {
  const digests = { reload: digest(file.content), restart: NO_PROCESS_VARIABLES };
  return { digest: digest(file.content), files: [file], units: new Map([[CLIENT_UNIT, digests]]) };
}

/**
 * A rebuilt jail has lost its client's identity, and the servers reserve the node's name for the old one as long as its
 * address answers: none of its services and checks would be seen any more. So the ID is kept on persistent storage, and
 * only for this name, because storage may be copied to another node. If the state is lost but the client is not, the
 * client's configuration or data directory has it.
 */
async function keptNodeId(options: Options, { store }: Pick<Workshop, "store">): Promise<string | undefined> {
  const name = options.node;
  const id = await nodeIdOf(options, store.read());
  if (id !== undefined) await store.update((memory) => ({ ...memory, node: { name, id } })).catch(() => {});
  return id;
}

async function nodeIdOf(
  { config, node: name }: Options,
  { node: kept }: Pick<Memory, "node">,
): Promise<string | undefined> {
  if (kept?.name === name) return kept.id;
  const { config_file: file, data_dir: dataDir } = config.consul;
  return (await configuredNodeId(file, name)) ?? (await nodeIdIn(dataDir));
}

/** Consul prefers the keyring it once wrote to the key in its configuration. */
async function forgetOldGossipKey({ config, gossipKey }: Options, { log }: Workshop): Promise<void> {
  const moved = await moveForeignKeyring(config.consul.data_dir, gossipKey);
  if (moved !== undefined) log.info({ kept: moved }, "moved aside a keyring with another gossip key");
}
