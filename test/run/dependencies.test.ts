import { expect, test } from "vitest";
import { HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";

const { REDISHOST: _, ...OTHER_HOSTS } = HOSTS;
const SENTINEL = {
  id: "s1",
  service: "redis-sentinel",
  address: "10.0.0.51",
  port: 26379,
  status: "passing",
} as const;

test("a Redis for Sidekiq alone follows its own service, and reloads web and sidekiq", async () => {
  await using consul = await startConsul();
  await consul.register({
    id: "rs1",
    service: "redis-sidekiq",
    address: "10.0.0.41",
    port: 6380,
    status: "passing",
  });
  const dependencies = { ...UNPROBED, redis_sidekiq: { service: "redis-sidekiq" } };
  await using agent = await startAgent({ consul, environment: HOSTS, config: { dependencies } });
  const status = await agent.converged();
  expect(await agent.variables()).toMatchObject({
    SIDEKIQ_REDIS_HOST: "10.0.0.41",
    SIDEKIQ_REDIS_PORT: "6380",
    REDIS_HOST: HOSTS.REDISHOST,
  });
  expect(status.endpoints["redis_sidekiq"]).toMatchObject({ host: "10.0.0.41", port: 6380 });
  const before = (await agent.reloads()).length;
  await consul.put("mastodon/env/SIDEKIQ_REDIS_HOST", "10.0.0.42");
  await until(
    "the operator's host",
    async () => (await agent.variables())["SIDEKIQ_REDIS_HOST"] === "10.0.0.42",
  );
  await agent.converged();
  expect((await agent.variables())["SIDEKIQ_REDIS_PORT"], "which has its own port").toBeUndefined();
  expect((await agent.reloads()).slice(before)).toEqual(["sidekiq", "web"]);
});

test("a replica adds the lines that Mastodon needs to use it, and they disappear with it", async () => {
  await using consul = await startConsul();
  const primary = {
    id: "pg1",
    service: "postgresql",
    address: "10.0.0.1",
    port: 5432,
    tags: ["primary"],
    status: "passing",
  } as const;
  const replica = { ...primary, id: "pg2", address: "10.0.0.2", tags: ["replica"] } as const;
  await consul.register(primary);
  await consul.register(replica);
  const dependencies = { ...UNPROBED, postgres_replica: { service: "postgresql" } };
  await using agent = await startAgent({ consul, environment: HOSTS, config: { dependencies } });
  await agent.converged();
  expect(await agent.variables()).toMatchObject({
    DB_HOST: "10.0.0.1",
    REPLICA_DB_HOST: "10.0.0.2",
    REPLICA_DB_PORT: "5432",
    REPLICA_DB_NAME: "mastodon_production",
    REPLICA_DB_USER: "mastodon",
  });
  await consul.setCheck(replica, "critical");
  await until(
    "the lines to go",
    async () => !Object.keys(await agent.variables()).some((name) => name.startsWith("REPLICA_")),
  );
  expect((await agent.converged()).state).toBe("converged");
});

test("sentinels are rendered instead of following the master, and stay while all are down", async () => {
  await using consul = await startConsul();
  const sentinel = SENTINEL;
  await consul.register(sentinel);
  await consul.register({ ...sentinel, id: "s2", address: "10.0.0.52" });
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS });
  await agent.converged();
  const seen = await agent.variables();
  expect(seen).toMatchObject({
    REDIS_SENTINELS: "10.0.0.51:26379,10.0.0.52:26379",
    REDIS_SENTINEL_MASTER: "mymaster",
  });
  expect(seen["REDIS_HOST"]).toBeUndefined();
  const index = async () =>
    (await agent.status()).watches.find(({ name }) => name.includes("sentinel"))?.index;
  const before = await index();
  await consul.setCheck({ ...sentinel, id: "s2" }, "warning");
  await until("the warning to be seen", async () => (await index()) !== before);
  await agent.converged();
  expect(await agent.variables(), "a warning changes no list").toEqual(seen);
  await consul.deregister({ ...sentinel, id: "s2" });
  await until("one sentinel", async () => (await agent.variables())["REDIS_SENTINELS"] === "10.0.0.51:26379");
  await agent.converged();
  await consul.setCheck(sentinel, "critical");
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("another change", async () => (await agent.variables())["SMTP_PORT"] === "587");
  expect((await agent.variables())["REDIS_SENTINELS"]).toBe("10.0.0.51:26379");
});

test("an unusable sentinel is a problem that names it, and the others are used", async () => {
  await using consul = await startConsul();
  await consul.register(SENTINEL);
  await consul.register({ ...SENTINEL, id: "s2", address: "fd00::32" });
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS });
  const { problems } = await agent.converged();
  expect((await agent.variables())["REDIS_SENTINELS"]).toBe("10.0.0.51:26379");
  expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
    expect.stringMatching(/^input_refused service s2 on node .*REDIS_SENTINELS/),
  ]);
});

test("an operator's host takes precedence over the catalogue's sentinels, a port alone does not", async () => {
  await using consul = await startConsul();
  await consul.register(SENTINEL);
  const config = { dependencies: { ...UNPROBED, redis: { service: "", probe: false } } };
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config });
  await agent.converged();
  await consul.put("mastodon/settings/REDISPORT", "6380");
  await until("the port", async () => (await agent.variables())["REDIS_PORT"] === "6380");
  expect((await agent.variables())["REDIS_SENTINELS"]).toBe("10.0.0.51:26379");
  await consul.put("mastodon/settings/REDISHOST", "10.9.9.2");
  await until("the operator's host", async () => (await agent.variables())["REDIS_HOST"] === "10.9.9.2");
  const seen = Object.keys(await agent.variables());
  expect(seen.filter((name) => name.includes("SENTINEL"))).toEqual([]);
  await consul.delete("mastodon/settings/REDISHOST");
  await until("the sentinels again", async () => (await agent.variables())["REDIS_SENTINELS"] !== undefined);
  expect(await agent.variables()).toMatchObject({ REDIS_SENTINEL_MASTER: "mymaster" });
  expect((await agent.variables())["REDIS_HOST"]).toBeUndefined();
});

test("the sentinels stay until the operator's host has answered", async () => {
  await using consul = await startConsul();
  await consul.register(SENTINEL);
  const config = { dependencies: { ...UNPROBED, redis: { probe: true } } };
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config });
  await agent.converged();
  const port = await freePort();
  await consul.put("mastodon/settings/REDISPORT", String(port));
  await consul.put("mastodon/settings/REDISHOST", "127.0.0.1");
  await until("a problem", async () =>
    (await agent.status()).problems.some(
      ({ code, message }) =>
        code === "probe_failed" &&
        message.includes(`redis: 127.0.0.1:${port} is not used`) &&
        message.includes("Sentinel (10.0.0.51:26379) stays in use"),
    ),
  );
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("another change", async () => (await agent.variables())["SMTP_PORT"] === "587");
  expect(await agent.variables()).toMatchObject({
    REDIS_SENTINELS: "10.0.0.51:26379",
    REDIS_SENTINEL_MASTER: "mymaster",
  });
  await using _redis = await startRedis({ port });
  await until("the operator's host", async () => (await agent.variables())["REDIS_HOST"] === "127.0.0.1");
  expect((await agent.variables())["REDIS_SENTINELS"]).toBeUndefined();
  expect((await agent.converged()).problems).toEqual([]);
});

test("an operator's sentinels stay beside the operator's host, and go when they are deleted", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/settings/REDISHOST", "10.9.9.3");
  await consul.put("mastodon/env/REDIS_SENTINELS", "10.0.0.61:26379");
  await consul.put("mastodon/env/REDIS_SENTINEL_MASTER", "main");
  const wanted = {
    REDIS_HOST: "10.9.9.3",
    REDIS_SENTINELS: "10.0.0.61:26379",
    REDIS_SENTINEL_MASTER: "main",
  };
  await until("the operator's sentinels", async () => {
    expect(await agent.variables()).toMatchObject(wanted);
    return true;
  });
  await agent.converged();
  await consul.delete("mastodon/env/REDIS_SENTINELS");
  await until("them to go", async () => (await agent.variables())["REDIS_SENTINELS"] === undefined);
});
