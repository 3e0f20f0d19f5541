import { expect, test } from "vitest";
import { HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

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

test("a replica brings the lines that Mastodon needs to use it, and takes them away with it", async () => {
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

test("sentinels are rendered instead of chasing the master, and stay while none is passing", async () => {
  await using consul = await startConsul();
  const sentinel = {
    id: "s1",
    service: "redis-sentinel",
    address: "10.0.0.51",
    port: 26379,
    status: "passing",
  } as const;
  await consul.register(sentinel);
  await consul.register({ ...sentinel, id: "s2", address: "10.0.0.52" });
  const { REDISHOST: _, ...others } = HOSTS;
  await using agent = await startAgent({ consul, environment: others });
  await agent.converged();
  const seen = await agent.variables();
  expect(seen).toMatchObject({
    REDIS_SENTINELS: "10.0.0.51:26379,10.0.0.52:26379",
    REDIS_SENTINEL_MASTER: "mymaster",
  });
  expect(seen["REDIS_HOST"]).toBeUndefined();
  await consul.deregister({ ...sentinel, id: "s2" });
  await until("one sentinel", async () => (await agent.variables())["REDIS_SENTINELS"] === "10.0.0.51:26379");
  await agent.converged();
  await consul.setCheck(sentinel, "critical");
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("another change", async () => (await agent.variables())["SMTP_PORT"] === "587");
  expect((await agent.variables())["REDIS_SENTINELS"]).toBe("10.0.0.51:26379");
});
