import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";
import { entryOf, promote, registerPair } from "./servers.ts";

const { REDISHOST: _, ...OTHER_HOSTS } = HOSTS;
const FLAPS = 20;
const EVERY_MS = 1_000;

/** Settling as by default; the distance between reloads is a third of the time that the flapping takes, as by default in a minute. */
const CONFIG = {
  dependencies: {
    postgres: { probe: false, service: "" },
    redis: { probe: true },
    s3: { probe: false, service: "" },
    smtp: { probe: false },
  },
  settle: { min: "250ms", max: "2s" },
  reload: { min_interval: "10s" },
};

test.concurrent("an instance whose check flaps once a second costs one reload", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  const first = entryOf("redis-1", one);
  await consul.register(first);
  await consul.register(entryOf("redis-2", two));
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config: CONFIG });
  await agent.converged();
  const before = await webReloads(agent);
  await flap((isEven) => consul.setCheck(first, isEven ? "critical" : "passing"));
  await agent.converged();
  expect(await portOf(agent), "away from what flaps").toBe(two.port);
  expect((await webReloads(agent)) - before).toBe(1);
}, 90_000);

test.concurrent("a check that flaps with no other candidate costs no reload", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  const only = entryOf("redis-1", one);
  await consul.register(only);
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config: CONFIG });
  await agent.converged();
  const before = await webReloads(agent);
  await flap((isEven) => consul.setCheck(only, isEven ? "critical" : "passing"));
  await agent.converged();
  expect(await portOf(agent)).toBe(one.port);
  expect((await webReloads(agent)) - before).toBe(0);
}, 90_000);

test.concurrent("a primary tag that flaps between two servers costs at most three reloads, and ends at the tagged one", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  const tag = async (isOnTwo: boolean) => {
    await consul.register(entryOf("redis-1", one, [isOnTwo ? "replica" : "primary"]));
    await consul.register(entryOf("redis-2", two, [isOnTwo ? "primary" : "replica"]));
  };
  await tag(false);
  const config = { ...CONFIG, dependencies: { ...CONFIG.dependencies, dwell: "5s" } };
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config });
  await agent.converged();
  const before = await webReloads(agent);
  await flap(tag);
  await tag(true);
  await until("the tagged one", async () => (await portOf(agent)) === two.port, 60_000);
  await agent.converged();
  expect((await webReloads(agent)) - before).toBeLessThanOrEqual(3);
}, 120_000);

test.concurrent("a setting that is put once a second costs at most three reloads, and the last value is in force", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: { ...CONFIG, dependencies: OFF },
  });
  await agent.converged();
  const before = await webReloads(agent);
  let last = 10_000;
  await flap(() => consul.put("mastodon/settings/MAILPORT", String(++last)));
  await until("the last value", async () => (await agent.variables())["SMTP_PORT"] === String(last), 60_000);
  await agent.converged();
  expect((await webReloads(agent)) - before).toBeLessThanOrEqual(3);
}, 120_000);

test("a hold stops even urgent changes, and they are made when the hold ends", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  await registerPair(consul, one, two);
  await using agent = await startAgent({ consul, environment: OTHER_HOSTS, config: CONFIG });
  await agent.converged();
  await consul.put("mastodon/control/hold", "the provider moves machines");
  await until("the hold", async () => (await agent.status()).state === "held");
  await one.stop();
  await promote(two);
  await consul.setCheck(entryOf("redis-1", one), "critical");
  await until("the dead one to be seen", async () => {
    const { endpoints, state } = await agent.status();
    return state === "held" && endpoints["redis"]?.candidates.some(({ eligible }) => !eligible);
  });
  expect(await portOf(agent)).toBe(one.port);
  await consul.delete("mastodon/control/hold");
  await until("the move", async () => (await portOf(agent)) === two.port);
}, 90_000);

const OFF = {
  postgres: { probe: false, service: "" },
  redis: { probe: false, service: "" },
  s3: { probe: false, service: "" },
  smtp: { probe: false },
};

/** What flaps needs its time: that is what is tested. */
async function flap(change: (isEven: boolean) => Promise<void>): Promise<void> {
  for (let count = 0; count < FLAPS; count++) {
    await change(count % 2 === 0);
    await sleep(EVERY_MS);
  }
}

async function portOf(agent: TestAgent): Promise<number> {
  return Number((await agent.variables())["REDIS_PORT"]);
}

async function webReloads(agent: TestAgent): Promise<number> {
  return (await agent.reloads()).filter((unit) => unit === "web").length;
}
