import { afterAll, beforeAll, expect, test } from "vitest";
import type { PatroniNode } from "../world/patroni.ts";
import { until } from "../world/until.ts";
import { EVENTS, observe } from "./observe.ts";
import { startVisitor } from "./visitor.ts";
import { membersOf, openWorld, type World } from "./world.ts";

const parts = new AsyncDisposableStack();
let world: World;

beforeAll(async () => {
  world = parts.use(await openWorld());
}, 180_000);
afterAll(() => parts.disposeAsync());

test("a switchover restarts the units, because the old primary lives on and would refuse every write", async () => {
  const { cluster, site } = world;
  const { from, to } = await membersOf(world.cluster);
  await using visitor = startVisitor(`${site.mastodon.webUrl}/write?before`);
  await until("writes", () => visitor.visits().filter(({ kind }) => kind === "answered").length > 10);
  const [boots, pids] = [await site.boots(), await sidekiqPid()];

  const { inRecoveryAtBytes, leaderAtBytes } = await observe(
    world,
    to,
    () => cluster.switchover(to.name),
    90_000,
  );
  expect(leaderAtBytes).toBe(to.name);
  expect(inRecoveryAtBytes, "written only when the new primary was out of recovery").toBe(false);
  await writesAgain(to);
  await until(
    "the old primary to live on as a standby",
    async () => (await from.query("select pg_is_in_recovery()")) === "t",
  );
  await site.agent.converged();
  await bootedOnceMore(boots);
  expect(await sidekiqPid()).not.toBe(pids);
  expect(visitor.visits().filter(({ kind }) => kind === "refused")).toEqual([]);
  expect((await site.agent.status()).last_change).toMatchObject({
    outcome: "applied",
    units: ["web", "streaming", "sidekiq"],
  });
}, 120_000);

test("after the primary is killed, web writes to the new one after one reload, and never points at one that cannot be written to", async () => {
  const { site } = world;
  const { from, to } = await membersOf(world.cluster);
  const copied = await from.query("select count(*) > 0 from notes");
  await until(
    "the replica to follow",
    async () => (await to.query("select count(*) > 0 from notes")) === copied,
  );
  await using visitor = startVisitor(`${site.mastodon.webUrl}/write?after`);
  await until("writes", () => visitor.visits().filter(({ kind }) => kind === "answered").length > 10);
  const boots = await site.boots();
  let killedMs = 0;
  const kill = async () => {
    await from.killHard();
    killedMs = performance.now();
  };

  const { timeline, inRecoveryAtBytes, leaderAtBytes } = await observe(world, to, kill, 120_000);
  expect(leaderAtBytes).toBe(to.name);
  expect(inRecoveryAtBytes).toBe(false);
  const first = await until("a write to succeed", () =>
    visitor.since(killedMs).find(({ kind }) => kind === "answered"),
  );
  await writesAgain(to);
  await site.agent.converged();
  await bootedOnceMore(boots);
  expect(await site.variables()).toMatchObject({ DB_HOST: to.host, DB_PORT: String(to.port) });
  expect(Object.values(EVENTS).filter((event) => timeline.at(event) === undefined)).toEqual([]);
  console.log(
    `${timeline.lines()}\n${String(Math.round(first.endedMs - killedMs)).padStart(8)} ms  first write after the kill`,
  );
}, 180_000);

/** Rows that come into being on that member, and can only have come through web. */
async function writesAgain(member: PatroniNode): Promise<void> {
  const count = async () => Number(await member.query("select count(*) from notes"));
  const before = await until("the new primary to answer", async () => [await count()]);
  await until("rows to come in", async () => (await count()) > Number(before[0]) + 5, 60_000);
}

async function sidekiqPid(): Promise<number | undefined> {
  return world.site.mastodon.pid("sidekiq");
}

/** Sidekiq says so once it has reached Redis, which may be later than its process is there. */
async function bootedOnceMore(before: Parameters<typeof oneMore>[0]): Promise<void> {
  await until("each unit to boot once more", async () => {
    expect(await world.site.boots()).toEqual(oneMore(before));
    return true;
  });
}

function oneMore(boots: { web: number; sidekiq: number; streaming: number }) {
  return { web: boots.web + 1, sidekiq: boots.sidekiq + 1, streaming: boots.streaming + 1 };
}
