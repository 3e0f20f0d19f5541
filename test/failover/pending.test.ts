import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { startPostgres } from "../world/postgres.ts";
import { startRedis } from "../world/redis.ts";
import { startSmtp } from "../world/smtp.ts";
import { until } from "../world/until.ts";
import { entryOf, kill, promote, registerPair } from "./servers.ts";

/** With this value the unit's reload fails. */
const BREAKS_WEB = "1313";
const CLOSED_PORT = String(await freePort());

interface Stuck {
  readonly title: string;
  readonly key: string;
  readonly value: string;
  readonly variable: string;
  readonly code: string;
}

const table: readonly Stuck[] = [
  {
    title: "a password that the probe refuses",
    key: "mastodon/settings/DBPASS",
    value: "not-the-password",
    variable: "DB_PASS",
    code: "probe_failed",
  },
  {
    title: "a mail server that the gate refuses",
    key: "mastodon/settings/MAILPORT",
    value: CLOSED_PORT,
    variable: "SMTP_PORT",
    code: "change_refused",
  },
  {
    title: "a value that was put back",
    key: "mastodon/env/MAX_SESSION_ACTIVATIONS",
    value: BREAKS_WEB,
    variable: "MAX_SESSION_ACTIVATIONS",
    code: "change_put_back",
  },
  {
    title: "a value that is none",
    key: "mastodon/settings/DBPORT",
    value: "many",
    variable: "DB_PORT",
    code: "input_refused",
  },
];

test.each(table)(
  "Redis moves although $title is pending, which stays pending",
  async (stuck) => {
    await using consul = await startConsul();
    await using postgres = await startPostgres();
    await using smtp = await startSmtp();
    await using one = await startRedis();
    await using two = await startRedis();
    await registerPair(consul, one, two);
    await using agent = await startAgent({
      consul,
      environment: {
        BUCKETHOST: HOSTS.BUCKETHOST,
        DBHOST: postgres.host,
        DBPORT: String(postgres.port),
        DBUSER: postgres.user,
        DBPASS: postgres.password,
        DBNAME: postgres.database,
        MAILHOST: smtp.host,
        MAILPORT: String(smtp.port),
      },
      config: (folder) => ({
        dependencies: {
          postgres: { service: "" },
          s3: { service: "", probe: false },
          smtp: { probe: false },
        },
        gate: {
          run: ["ruby", "-rsocket", "-e", "TCPSocket.new(ENV['SMTP_SERVER'], ENV['SMTP_PORT']).close"],
        },
        units: {
          web: {
            reload: [
              { run: ["sh", "-c", `! grep -q ${BREAKS_WEB} ${path.join(folder, ".env.production")}`] },
            ],
          },
        },
        // An urgent change does not wait for it.
        reload: { min_interval: "3s" },
      }),
    });
    await agent.converged();
    const before = await agent.variables();
    expect(before["REDIS_PORT"]).toBe(String(one.port));

    await consul.put(stuck.key, stuck.value);
    await problem(agent, stuck.code);
    await kill(one);
    await consul.setCheck(entryOf("redis-1", one), "critical");
    await promote(two);
    await until("the move", async () => (await agent.variables())["REDIS_PORT"] === String(two.port));
    await until("what is pending to be turned down again", async () => {
      const { state, problems } = await agent.status();
      return state !== "applying" && problems.some(({ code }) => code === stuck.code);
    });
    expect((await agent.variables())[stuck.variable]).toBe(before[stuck.variable]);

    await consul.delete(stuck.key);
    await until("the problem to go", async () => (await agent.status()).problems.length === 0);
    expect((await agent.converged()).problems).toEqual([]);
    expect(await agent.variables()).toMatchObject({ ...before, REDIS_PORT: String(two.port) });
  },
  120_000,
);

test("Redis moves with the password in force although a wrong one is pending", async () => {
  await using consul = await startConsul();
  await using one = await startRedis({ password: "right" });
  await using two = await startRedis({ password: "right" });
  await two.command("config", "set", "masterauth", "right");
  await registerPair(consul, one, two);
  await using agent = await startAgent({
    consul,
    environment: { DBHOST: HOSTS.DBHOST, BUCKETHOST: HOSTS.BUCKETHOST, REDISPASS: "right" },
    config: { dependencies: { ...UNPROBED, redis: { probe: true } } },
  });
  await agent.converged();
  await consul.put("mastodon/settings/REDISPASS", "wrong");
  await problem(agent, "probe_failed");
  await kill(one);
  await consul.setCheck(entryOf("redis-1", one), "critical");
  await promote(two);
  await until("the move", async () => (await agent.variables())["REDIS_PORT"] === String(two.port));
  expect((await agent.variables())["REDIS_PASSWORD"]).toBe("right");
  await problem(agent, "probe_failed");
  await consul.put("mastodon/settings/REDISPASS", "right");
  expect((await agent.converged()).problems).toEqual([]);
}, 90_000);

async function problem(agent: TestAgent, code: string): Promise<void> {
  await until(
    `a problem ${code}`,
    async () => {
      const { problems } = await agent.status();
      if (problems.some((one) => one.code === code)) return true;
      throw new Error(JSON.stringify(problems));
    },
    60_000,
  );
}
