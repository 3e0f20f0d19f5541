import pg from "pg";
import type { ConsulServer } from "../world/consul.ts";
import type { PatroniCluster, PatroniNode } from "../world/patroni.ts";
import { startTimeline, type Timeline } from "./timeline.ts";
import type { World } from "./world.ts";

/** What a change of the primary looked like to those who watched it. */
export interface Observed {
  readonly timeline: Timeline;
  /** What the leader key said as soon as the new endpoint was seen on disk. */
  readonly leaderAtBytes: string | undefined;
  /** `pg_is_in_recovery()` of the new primary, asked as soon as the new endpoint was seen on disk. */
  readonly inRecoveryAtBytes: boolean;
}

export const EVENTS = {
  done: "the old primary is gone",
  leader: "leader key names the new one",
  writable: "new primary accepts writes",
  bytes: "new endpoint on disk",
  web: "web runs with it",
  catalogue: "catalogue alone would tell: passing, with the primary's tag",
} as const;

/** Lets the primary be changed to another member, and notes when what could be seen of that. */
export async function observe(
  { consul, cluster, site }: World,
  to: PatroniNode,
  act: () => Promise<void>,
  deadlineMs: number,
): Promise<Observed> {
  const signal = AbortSignal.timeout(deadlineMs);
  await using asker = await connectTo(cluster, to);
  const timeline = startTimeline(signal);
  const bytesSeen = async () => {
    await timeline.watch(EVENTS.bytes, async () => (await site.variables())["DB_PORT"] === String(to.port));
    return { inRecovery: await asker.inRecovery(), leader: await cluster.leader() };
  };
  const [seen] = await Promise.all([
    bytesSeen(),
    act().then(() => timeline.note(EVENTS.done)),
    timeline.watch(EVENTS.leader, async () => (await cluster.leader()) === to.name),
    timeline.watch(EVENTS.writable, async () => !(await asker.inRecovery())),
    timeline.watch(EVENTS.web, async () => (await site.mastodon.webEnv())["DB_PORT"] === String(to.port)),
    watchCatalogue(consul, cluster, to, signal).then((isSeen) => isSeen && timeline.note(EVENTS.catalogue)),
  ]);
  return { timeline, leaderAtBytes: seen.leader, inRecoveryAtBytes: seen.inRecovery };
}

/** One connection that is kept: a standby that is promoted ends none. */
async function connectTo({ connection }: PatroniCluster, { host, port }: PatroniNode) {
  const { user, password, database } = connection;
  const client = new pg.Client({ host, port, user, password, database });
  client.on("error", () => {});
  await client.connect();
  return {
    inRecovery: async () => {
      const { rows } = await client.query("select pg_is_in_recovery() as answer");
      return rows[0]?.answer !== false;
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** What every other watcher does: a blocking query for passing instances, and those with the tag of the primary. */
async function watchCatalogue(
  { address }: ConsulServer,
  { service, scope }: PatroniCluster,
  to: PatroniNode,
  signal: AbortSignal,
): Promise<boolean> {
  for (let index = "0"; !signal.aborted; ) {
    const query = `passing&tag=primary&index=${index}&wait=60s`;
    const response = await fetch(`${address}/v1/health/service/${service}?${query}`, { signal });
    index = response.headers.get("x-consul-index") ?? "0";
    const text = await response.text();
    if (text.includes(`"ID":"${scope}/${to.name}"`)) return true;
  }
  return false;
}
