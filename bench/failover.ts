/**
 * `node bench/failover.ts [rounds] [check interval in ms]`: how long Mastodon cannot write when its primary is killed, and when it is switched over,
 * with real Patroni, Consul, puma and sidekiq. Beside it the moment at which a watcher of the catalogue alone could
 * have known. Prints a table, times in milliseconds.
 */

import { EVENTS, type Observed, observe } from "../test/failover/observe.ts";
import { startVisitor, type Visit } from "../test/failover/visitor.ts";
import { membersOf, openWorld, type World } from "../test/failover/world.ts";
import { unitsOf } from "../test/world/demo/config.ts";
import type { Mastodon } from "../test/world/mastodon.ts";
import type { PatroniNode } from "../test/world/patroni.ts";
import { until } from "../test/world/until.ts";
import { type Run, timelines } from "./timelines.ts";

const ROUNDS = Number(process.argv[2] ?? "3");
/** How often Consul asks each member of the cluster for its role; 5 s is what Patroni has where nobody says otherwise. */
const CHECK_INTERVAL_MS = Number(process.argv[3] ?? "5000");
const DEADLINE_MS = 120_000;

/** As a jail has it: sidekiq is given 10 s for its jobs, and routine changes settle and keep their distance. */
const config = (mastodon: Mastodon) => ({
  units: unitsOf(mastodon, { quiet: "10s", timeout: "60s" }),
  settle: {},
  reload: {},
});
await using world = await openWorld({ config, checkIntervalMs: CHECK_INTERVAL_MS });
const [failovers, switchovers]: [Run[], Run[]] = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  failovers.push(await failover(world));
  switchovers.push(await switchover(world));
}
console.log(`${timelines("primary killed", failovers)}\n\n${timelines("switchover", switchovers)}`);

/** The killed one comes back as a replica, so that the next round finds two members. */
async function failover({ cluster, site, consul }: World): Promise<Run> {
  const { from, to } = await membersOf(cluster);
  const run = await change({ cluster, site, consul }, () => from.killHard());
  await from.start();
  await until("the old primary to follow", () => isFollowing(from, to), DEADLINE_MS);
  return run;
}

async function switchover({ cluster, site, consul }: World): Promise<Run> {
  const { from, to } = await membersOf(cluster);
  const run = await change({ cluster, site, consul }, () => cluster.switchover(to.name));
  await until("the old primary to follow", () => isFollowing(from, to), DEADLINE_MS);
  return run;
}

async function change(there: World, act: () => Promise<void>): Promise<Run> {
  const { mastodon, agent } = there.site;
  const { to } = await membersOf(there.cluster);
  await using writer = startVisitor(`${mastodon.webUrl}/write?bench`);
  await using reader = startVisitor(mastodon.healthUrls.web);
  await until("some writes", () => writer.visits().filter(isAnswered).length > 20);
  const beganMs = performance.now();
  const observed = await observe(there, to, act, DEADLINE_MS);
  const isBack = () => lastFailure(writer.visits()) < writer.visits().findLastIndex(isAnswered);
  await until("writes to succeed", isBack, DEADLINE_MS);
  await until("the agent to be done", async () => (await agent.status()).state === "converged", DEADLINE_MS);
  return {
    events: eventsOf(observed),
    firstWriteMs: Math.round(
      (writer.visits()[lastFailure(writer.visits()) + 1]?.endedMs ?? Number.NaN) - beganMs,
    ),
    withoutWritesMs: longestGapMs(writer.visits()),
    withoutAnswerMs: longestGapMs(reader.visits()),
    refused: reader.visits().filter(({ kind }) => kind === "refused").length,
  };
}

function eventsOf({ timeline }: Observed): ReadonlyMap<string, number> {
  return new Map(
    Object.values(EVENTS).map((event): [string, number] => [event, timeline.at(event) ?? Number.NaN]),
  );
}

/** The longest time between two answers. */
function longestGapMs(visits: readonly Visit[]): number {
  const ends = visits.filter(isAnswered).map(({ endedMs }) => endedMs);
  return Math.round(Math.max(...ends.slice(1).map((end, at) => end - (ends[at] ?? end))));
}

function lastFailure(visits: readonly Visit[]): number {
  return visits.findLastIndex((visit) => !isAnswered(visit));
}

function isAnswered({ kind }: Visit): boolean {
  return kind === "answered";
}

/** Nobody writes any more, so that the same number of rows means that everything has come across. */
async function isFollowing(from: PatroniNode, to: PatroniNode): Promise<boolean> {
  const question = "select count(*), pg_is_in_recovery() from notes";
  const [before, after] = await Promise.all([from.query(question), to.query(question)]);
  return before === after.replace("|f", "|t");
}
