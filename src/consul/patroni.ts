import * as z from "zod";
import { type Leader, NO_LEADER } from "../settings/leader.ts";
import type { Answer, Blocking, ConsulClient } from "./client.ts";

/** Where Patroni keeps what it knows of one cluster. */
export interface Scope {
  readonly namespace: string;
  readonly scope: string;
}

const member = z.object({ conn_url: z.string() });

/**
 * One blocking question for the leader key. `members/*` and `status` change every few seconds, so they are not
 * watched: the leader's member is read when the leader changes.
 */
export async function readLeader(
  client: ConsulClient,
  { namespace, scope }: Scope,
  blocking: Blocking,
): Promise<Answer<Leader>> {
  const folder = `${namespace}/${scope}`;
  const answer = await client.kvKey(`${folder}/leader`, blocking);
  const now: Blocking = { ...blocking, index: 0n };
  if (answer.value === undefined) {
    // Patroni writes this key once, when the cluster is made, and no election takes it away.
    const cluster = await client.kvKey(`${folder}/initialize`, now);
    return { ...answer, value: cluster.value === undefined ? NO_LEADER : { kind: "election" } };
  }
  const name = answer.value.value.toString();
  const entry = await client.kvKey(`${folder}/members/${name}`, now);
  const endpoint = endpointIn(entry.value?.value.toString() ?? "");
  return {
    ...answer,
    value: { kind: "member", scope, name, endpoint, modifyIndex: answer.value.modifyIndex },
  };
}

function endpointIn(text: string): { host: string; port: number } | undefined {
  const parsed = member.safeParse(parseJson(text));
  if (!parsed.success || !URL.canParse(parsed.data.conn_url)) return undefined;
  const { hostname, port } = new URL(parsed.data.conn_url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 5432) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
