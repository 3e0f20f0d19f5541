import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { type PatroniNode, startPatroni } from "../world/patroni.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";
import { EVENTS, observe, type World } from "./observe.ts";
import { startSite } from "./site.ts";
import { startVisitor } from "./visitor.ts";

const parts = new AsyncDisposableStack();
let world: World;

beforeAll(async () => {
  const consul = parts.use(await startConsul());
  const redis = parts.use(await startRedis());
  const cluster = parts.use(await startPatroni({ consul, scope: "main.db", namespace: "db" }));
  await cluster.node("pg1").query("create table notes (text text)");
  const { user, password, database } = cluster.connection;
  const site = parts.use(
    await startSite({
      consul,
      environment: {
        DBUSER: user,
        DBPASS: password,
        DBNAME: database,
        REDISHOST: redis.host,
        REDISPORT: String(redis.port),
        BUCKETHOST: HOSTS.BUCKETHOST,
      },
      config: {
        dependencies: {
          postgres: {
            service: cluster.service,
            probe: true,
            patroni: { namespace: cluster.namespace, scope: cluster.scope },
          },
          redis: { service: "" },
          s3: { probe: false, service: "" },
        },
      },
    }),
  );
  world = { consul, cluster, site };
}, 180_000);
afterAll(() => parts.disposeAsync());

test("a switchover restarts the units, since the old primary lives on and would refuse every write", async () => {
  const { cluster, site } = world;
  const { from, to } = await members();
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
  expect(await from.query("select pg_is_in_recovery()"), "the old primary lives on as a standby").toBe("t");
  await site.agent.converged();
  expect(await site.boots()).toEqual(oneMore(boots));
  expect(await sidekiqPid()).not.toBe(pids);
  expect(visitor.visits().filter(({ kind }) => kind === "refused")).toEqual([]);
  expect((await site.agent.status()).last_change).toMatchObject({
    outcome: "applied",
    units: ["sidekiq", "web", "streaming"],
  });
}, 120_000);

test("after the primary was killed web writes to the new one, by one reload, and never points at one that cannot be written to", async () => {
  const { site } = world;
  const { from, to } = await members();
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
  expect(await site.boots()).toEqual(oneMore(boots));
  expect(await site.variables()).toMatchObject({ DB_HOST: to.host, DB_PORT: String(to.port) });
  expect(Object.values(EVENTS).filter((event) => timeline.at(event) === undefined)).toEqual([]);
  console.log(
    `${timeline.lines()}\n${String(Math.round(first.endedMs - killedMs)).padStart(8)} ms  first write after the kill`,
  );
}, 180_000);

async function members(): Promise<{ from: PatroniNode; to: PatroniNode }> {
  const { cluster } = world;
  const leader = await until("a leader", () => cluster.leader());
  const to = cluster.nodes.find(({ name }) => name !== leader);
  if (to === undefined) throw new Error("the cluster has no second member");
  return { from: cluster.node(leader), to };
}

/** Rows that come into being on that member, and can only have come through web. */
async function writesAgain(member: PatroniNode): Promise<void> {
  const count = async () => Number(await member.query("select count(*) from notes"));
  const before = await until("the new primary to answer", async () => [await count()]);
  await until("rows to come in", async () => (await count()) > Number(before[0]) + 5, 60_000);
}

async function sidekiqPid(): Promise<number | undefined> {
  return world.site.mastodon.pid("sidekiq");
}

function oneMore(boots: { web: number; sidekiq: number; streaming: number }) {
  return { web: boots.web + 1, sidekiq: boots.sidekiq + 1, streaming: boots.streaming + 1 };
}
