import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startSentinel } from "../world/sentinel.ts";
import { until } from "../world/until.ts";
import { entryOf, roleOf } from "./servers.ts";

const { REDISHOST: _, ...OTHER_HOSTS } = HOSTS;

test("if the sentinels are not in the catalogue, the probe follows a Sentinel failover", async () => {
  await using consul = await startConsul();
  await using redis = await startSentinel();
  const entries = redis.servers.map((server, at) => entryOf(`redis-${at + 1}`, server));
  for (const entry of entries) await consul.register(entry);
  const dependencies = { ...UNPROBED, redis: { probe: true } };
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config: { dependencies } });
  await agent.converged();
  const uses = async (port: number) => (await agent.variables())["REDIS_PORT"] === String(port);
  expect(await uses((await redis.primary()).port)).toBe(true);

  const victim = await redis.killPrimary();
  const dead = entries.find(({ port }) => port === victim.port);
  if (dead !== undefined) await consul.setCheck(dead, "critical");
  const promoted = await until("Sentinel to promote a replica", async () => {
    const primary = await redis.primary();
    return primary.port !== victim.port && primary;
  });
  await until("the agent to follow", () => uses(promoted.port));
  await agent.converged();
});

test("after a planned failover the promoted one is used, although the old one goes on calling itself master", async () => {
  await using consul = await startConsul();
  await using redis = await startSentinel();
  for (const [at, server] of redis.servers.entries())
    await consul.register(entryOf(`redis-${at + 1}`, server));
  const dependencies = { ...UNPROBED, redis: { probe: true } };
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config: { dependencies } });
  await agent.converged();
  const old = await redis.primary();
  await redis.sentinels[0]?.command("sentinel", "failover", redis.name);
  const promoted = await until("the promotion", async () => {
    const primary = await redis.primary();
    return primary.port !== old.port && primary;
  });
  // Nobody tells the old one, which the sentinels would do ten seconds later.
  for (const sentinel of redis.sentinels) await sentinel.stop();
  const uses = async (port: number) => (await agent.variables())["REDIS_PORT"] === String(port);
  await until("the agent to follow", () => uses(promoted.port));
  await agent.converged();
  expect([await roleOf(old), await roleOf(promoted)]).toEqual(["master", "master"]);
  expect((await agent.status()).endpoints["redis"]?.port).toBe(promoted.port);
});

test("if the sentinels are in the catalogue, Mastodon asks them itself, and a failover changes nothing", async () => {
  await using consul = await startConsul();
  await using redis = await startSentinel({ name: "mastodon" });
  for (const [at, sentinel] of redis.sentinels.entries()) {
    await consul.register({
      id: `s${at}`,
      service: "redis-sentinel",
      address: sentinel.host,
      port: sentinel.port,
      status: "passing",
    });
  }
  const dependencies = {
    ...UNPROBED,
    redis: { probe: false, service: "", sentinel: { master: redis.name } },
  };
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config: { dependencies } });
  await agent.converged();
  const seen = await agent.variables();
  expect(seen["REDIS_SENTINEL_MASTER"]).toBe("mastodon");
  const addresses = redis.sentinels.map(({ host, port }) => `${host}:${port}`);
  expect(seen["REDIS_SENTINELS"]?.split(",").sort()).toEqual(addresses.sort());
  const [bytes, reloads] = [await readFile(agent.envFile, "utf8"), await agent.reloads()];

  const victim = await redis.killPrimary();
  await until("the sentinels to name another", async () => (await redis.primary()).port !== victim.port);
  await consul.put("elsewhere/mark", "1");
  await agent.converged();
  expect(await readFile(agent.envFile, "utf8")).toBe(bytes);
  expect(await agent.reloads()).toEqual(reloads);
});
