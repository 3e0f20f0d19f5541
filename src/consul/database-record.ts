/**
 * What the nodes of a domain tell each other about their database, in Consul's KV:
 * `mastodon-agent/<DOMAIN>/database/state` says whether it was prepared, `.../database/nodes/<node>` which migrations a
 * node's running code knows.
 */
import { Unavailable } from "../base/errors.ts";
import type { ConsulClient } from "./client.ts";

export interface DatabaseRecord {
  /** If `preparing` is found while nobody is preparing, that was cut off. */
  readonly state: "none" | "preparing" | "prepared";
  /** Digest of the migrations by node. */
  readonly nodes: ReadonlyMap<string, string>;
}

/** Where an operator finds it. */
export function databaseKeys(domain: string): { readonly state: string; readonly nodes: string } {
  const folder = `mastodon-agent/${domain}/database`;
  return { state: `${folder}/state`, nodes: `${folder}/nodes/` };
}

/** @throws ConsulError, or Unavailable if the answer cannot be believed */
export async function readDatabaseRecord(
  client: ConsulClient,
  domain: string,
  signal: AbortSignal,
): Promise<DatabaseRecord> {
  const keys = databaseKeys(domain);
  const now = { index: 0n, waitMs: 0, signal };
  const [state, nodes] = await Promise.all([client.kvKey(keys.state, now), client.kvPrefix(keys.nodes, now)]);
  for (const { filtered, knownLeader } of [state, nodes]) {
    if (!filtered && knownLeader) continue;
    const what = filtered ? "the token may not read it" : "Consul has no leader";
    const cure = filtered
      ? "Give the token the policy of packaging/consul-policy.hcl."
      : "Bring Consul back; the agent keeps asking.";
    throw new Unavailable({ where: `Consul KV ${keys.state}`, what, cure });
  }
  const [word] = (state.value?.value.toString("utf8") ?? "").split(" ");
  return {
    // Whatever an operator wrote there instead, the database is not supposed to be empty.
    state: word === "" ? "none" : word === "preparing" ? "preparing" : "prepared",
    nodes: new Map(
      nodes.value.map(({ key, value }) => [key.slice(keys.nodes.length), value.toString("utf8")]),
    ),
  };
}

/** @throws ConsulError */
export async function writeDatabaseState(
  client: ConsulClient,
  domain: string,
  state: "preparing" | "prepared",
  node: string,
): Promise<void> {
  const text = `${state} by ${node}, ${new Date().toISOString()}`;
  await client.put(databaseKeys(domain).state, text);
}

/** @throws ConsulError */
export async function writeNodeCode(
  client: ConsulClient,
  domain: string,
  node: string,
  code: string,
): Promise<void> {
  await client.put(databaseKeys(domain).nodes + node, code);
}
