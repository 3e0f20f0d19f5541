import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";
import { entryOf, follow, kill, promote, registerPair, roleOf } from "./servers.ts";
import { startSite } from "./site.ts";

const { REDISHOST: _, ...OTHER_HOSTS } = HOSTS;
/** The prober looks at what it found well again after 5 s. */
const SLOW_MS = 30_000;

const ONLY_REDIS = {
  postgres: { probe: false, service: "" },
  redis: { probe: true },
  s3: { probe: false, service: "" },
  smtp: { probe: false },
};

test("without tags the master is used: the agent moves when a replica is promoted, and when two swap roles", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  await follow(one, two);
  const [first, second] = [entryOf("redis-1", one), entryOf("redis-2", two)];
  await consul.register(first);
  await consul.register(second);
  await using site = await startSite({
    consul,
    environment: OTHER_HOSTS,
    config: { dependencies: ONLY_REDIS },
  });
  const { agent, mastodon } = site;
  const uses = async (server: RedisServer) =>
    (await site.variables())["REDIS_PORT"] === String(server.port) && (await roleOf(server)) === "master";
  expect(await uses(two), "the lower service ID is a replica's").toBe(true);
  const before = await site.bytes();

  await kill(two);
  await consul.setCheck(second, "critical");
  await problem(agent, /redis: .* is not used, because it is a replica; .* stays in use/);
  expect(await site.bytes(), "a replica is not moved to, even from a dead master").toBe(before);
  await promote(one);
  await until("the promoted one", () => uses(one));
  await agent.converged();
  expect(await mastodon.ask("/redis")).toMatchObject({ port: String(one.port) });

  await two.start();
  await follow(two, one);
  await consul.setCheck(second, "passing");
  await until("both candidates", async () => {
    const { endpoints } = await agent.status();
    return endpoints["redis"]?.candidates.every(({ eligible }) => eligible);
  });
  const boots = await site.boots();
  await promote(two);
  await follow(one, two);
  await until("the move to the new master", () => uses(two), SLOW_MS);
  await agent.converged();
  expect(await mastodon.ask("/redis")).toMatchObject({ port: String(two.port) });
  expect((await site.boots()).web).toBe(boots.web + 1);
}, 120_000);

test("moves to a promoted replica although the dead master's check still passes", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  await registerPair(consul, one, two);
  await using agent = await startAgent({
    consul,
    environment: OTHER_HOSTS,
    config: { dependencies: ONLY_REDIS },
  });
  await agent.converged();
  expect(await portOf(agent)).toBe(one.port);
  await kill(one);
  await promote(two);
  await until("the move", async () => (await portOf(agent)) === two.port, SLOW_MS);
}, 90_000);

test("with tags the primary is followed, unless the probe finds that it is not one", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  await registerPair(consul, one, two, [["primary"], ["replica"]]);
  await using agent = await startAgent({
    consul,
    environment: OTHER_HOSTS,
    config: { dependencies: ONLY_REDIS },
  });
  await agent.converged();
  expect(await portOf(agent)).toBe(one.port);

  await consul.register(entryOf("redis-1", one, ["replica"]));
  await consul.register(entryOf("redis-2", two, ["primary"]));
  await problem(agent, /redis: .* is not used, because it is a replica/);
  expect(await portOf(agent), "the tag came before the promotion").toBe(one.port);
  await promote(two);
  await follow(one, two);
  await until("the move", async () => (await portOf(agent)) === two.port, SLOW_MS);
  const { problems } = await agent.converged();
  expect(problems).toEqual([]);
}, 90_000);

async function portOf(agent: TestAgent): Promise<number> {
  return Number((await agent.variables())["REDIS_PORT"]);
}

async function problem(agent: TestAgent, message: RegExp): Promise<void> {
  await until(`a problem like ${message}`, async () => {
    const { problems } = await agent.status();
    return problems.some((one) => one.code === "probe_failed" && message.test(one.message));
  });
}
