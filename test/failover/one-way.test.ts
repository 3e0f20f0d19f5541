import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";
import { entryOf, kill, promote, registerPair } from "./servers.ts";

const { REDISHOST: _, ...OTHER_HOSTS } = HOSTS;

test("a unit that fails in a failover does not move the site back to the dead endpoint, and is retried until it is healthy", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  await registerPair(consul, one, two);
  await using agent = await startAgent({
    consul,
    environment: OTHER_HOSTS,
    config: (folder) => ({
      dependencies: { ...UNPROBED, redis: { probe: true } },
      units: {
        sidekiq: {
          reload: [{ run: ["sh", "-c", `[ ! -e ${folder}/ill ] && echo sidekiq >> ${folder}/reloads.log`] }],
        },
        web: { reload: [{ run: ["sh", "-c", `echo web >> ${folder}/reloads.log`] }] },
      },
    }),
  });
  await agent.converged();
  const ill = join(agent.folder, "ill");
  await writeFile(ill, "");

  await kill(one);
  await consul.setCheck(entryOf("redis-1", one), "critical");
  await promote(two);
  await until("the failure", async () => (await agent.status()).state === "failed");
  expect((await agent.status()).problems).toEqual([
    expect.objectContaining({ code: "change_failed", message: expect.stringContaining("unit sidekiq") }),
  ]);
  expect((await agent.variables())["REDIS_PORT"]).toBe(String(two.port));
  expect(await agent.reloads(), "web has it").toEqual(["sidekiq", "web", "web"]);

  await rm(ill);
  expect((await agent.converged()).problems).toEqual([]);
  expect(await agent.reloads()).toEqual(["sidekiq", "web", "web", "sidekiq"]);
}, 90_000);

test("a bad setting that comes with a failover is still rolled back, and the failover is not", async () => {
  await using consul = await startConsul();
  await using one = await startRedis();
  await using two = await startRedis();
  await registerPair(consul, one, two);
  await using agent = await startAgent({
    consul,
    environment: OTHER_HOSTS,
    config: (folder) => ({
      dependencies: { ...UNPROBED, redis: { probe: true } },
      units: { web: { reload: [{ run: ["sh", "-c", `! grep -q 1313 ${folder}/.env.production`] }] } },
    }),
  });
  await agent.converged();
  await consul.put("mastodon/control/hold", "until both are there");
  await until("the hold", async () => (await agent.status()).state === "held");
  await kill(one);
  await consul.setCheck(entryOf("redis-1", one), "critical");
  await promote(two);
  await consul.put("mastodon/env/MAX_SESSION_ACTIVATIONS", "1313");
  await consul.delete("mastodon/control/hold");
  await until("the move", async () => {
    const { REDIS_PORT, MAX_SESSION_ACTIVATIONS } = await agent.variables();
    return REDIS_PORT === String(two.port) && MAX_SESSION_ACTIVATIONS === undefined;
  });
  await until("the problem", async () =>
    (await agent.status()).problems.some(({ code }) => code === "change_put_back"),
  );
  await consul.delete("mastodon/env/MAX_SESSION_ACTIVATIONS");
  expect((await agent.converged()).problems).toEqual([]);
}, 90_000);
