import { migrationsIn } from "../apply/migrations.ts";
import { Unavailable } from "../base/errors.ts";
import type { ConsulClient } from "../consul/client.ts";
import { type DatabaseRecord, databaseKeys, readDatabaseRecord } from "../consul/database-record.ts";
import { ConsulError } from "../consul/errors.ts";
import type { Options } from "../options.ts";
import { lookAtSchema } from "../probe/schema.ts";
import type { Merged } from "../settings/merge.ts";
import { targetOf } from "../settings/targets.ts";
import type { Scene } from "./database-decision.ts";
import { runningCode } from "./database-memory.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { postgresTargetOf } from "./probes.ts";
import { domainOf } from "./render-input.ts";

const LOOK_TIMEOUT_MS = 5000;

interface Looking {
  readonly options: Options;
  readonly client: ConsulClient;
  readonly memory: Memory;
  readonly evaluation: Evaluation;
  readonly isWanted: boolean;
}

/** One look at everything that determines what the database needs. @throws Misconfigured if Mastodon has no migrations */
export async function lookAround(looking: Looking, signal: AbortSignal): Promise<Scene> {
  const { options, client, memory, evaluation, isWanted } = looking;
  const domain = domainOf(evaluation.merged);
  const keys = databaseKeys(domain);
  const target = postgresTargetOf(targetOf("postgres", evaluation.merged));
  const migrations = await migrationsIn(options.config.paths.mastodon);
  const [schema, record] = await Promise.all([
    lookAtSchema(target, { timeoutMs: LOOK_TIMEOUT_MS, signal }),
    recordOf(client, domain, signal),
  ]);
  return {
    node: options.node,
    place: placeOf(evaluation.merged),
    stateKey: keys.state,
    nodesKey: keys.nodes,
    reloadCommand: `consul kv put ${options.config.watch.prefix}/nodes/${options.node}/control/reload "$(date)"`,
    schema,
    migrations,
    running: runningCode(options, memory),
    record,
    isWanted,
  };
}

/** The database that Mastodon is told to use; any other was never seen. */
export function placeOf(merged: Merged): string {
  const { host, port, database } = postgresTargetOf(targetOf("postgres", merged));
  return `${host}:${port}/${database}`;
}

async function recordOf(
  client: ConsulClient,
  domain: string,
  signal: AbortSignal,
): Promise<DatabaseRecord | undefined> {
  try {
    return await readDatabaseRecord(client, domain, signal);
  } catch (error) {
    if (error instanceof ConsulError || error instanceof Unavailable) return undefined;
    throw error;
  }
}
