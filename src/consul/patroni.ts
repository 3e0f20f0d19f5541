import { type Leader, NO_LEADER } from "../settings/leader.ts";
import { readMember } from "../sources/patroni.ts";
import type { Answer, Blocking, ConsulClient } from "./client.ts";

/** Where Patroni keeps what it knows about one cluster. */
export interface Scope {
  readonly namespace: string;
  readonly scope: string;
}

/**
 * One blocking query for the leader key. `members/*` and `status` change every few seconds, so they are not watched:
 * the leader's member is read when the leader changes.
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
    // Patroni writes this key once, when the cluster is created, and no election removes it.
    const cluster = await client.kvKey(`${folder}/initialize`, now);
    return { ...answer, value: cluster.value === undefined ? NO_LEADER : { kind: "election" } };
  }
  const name = answer.value.value.toString();
  const memberKey = `${folder}/members/${name}`;
  const entry = await client.kvKey(memberKey, now);
  const said = readMember(memberKey, entry.value?.value.toString() ?? "");
  return {
    ...answer,
    value: { kind: "member", scope, name, ...said, modifyIndex: answer.value.modifyIndex },
  };
}
