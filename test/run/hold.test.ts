/** An operator's hold: what it keeps from happening is told, and it is not forgotten. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { holdEventSchema } from "../../src/report/hold.ts";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";

const SITE = "mastodon/control/hold";
const NODE = "mastodon/nodes/jail1/control/hold";
const RELEASE = `consul kv delete ${NODE} && consul kv delete ${SITE}`;

test("a failover that a hold keeps back is a problem with the command that lets it happen", async () => {
  await using consul = await startConsul();
  await using first = await startRedis();
  await using second = await startRedis();
  const redis1 = { id: "redis1", service: "redis", address: first.host, port: first.port };
  const redis2 = { id: "redis2", service: "redis", address: second.host, port: second.port };
  await consul.register({ ...redis1, status: "passing" });
  const { REDISHOST: _, ...others } = HOSTS;
  const config = { dependencies: { ...UNPROBED, redis: { probe: true } } };
  await using agent = await startAgent({ consul, environment: others, config });
  await agent.converged();
  await consul.register({ ...redis2, status: "passing" });
  await consul.put(SITE, "the weekend");
  await consul.put(NODE, "moving the database, ask Kim");
  await until("both holds", async () => (await agent.status()).hold_keys.length === 2);

  await first.stop();
  await consul.setCheck(redis1, "critical");
  const { message } = await problem(agent, "failover_held");
  expect(message).toMatch(
    new RegExp(
      `^redis: 127\\.0\\.0\\.1:${first.port} is dead or demoted and 127\\.0\\.0\\.1:${second.port} would do, ` +
        `but changes have been held since \\d{4}-\\S+Z \\("moving the database, ask Kim"\\); ` +
        `sidekiq, web, streaming wait\\. End the hold: \`${RELEASE}\`\\.$`,
    ),
  );
  const status = await agent.status();
  expect(status).toMatchObject({ state: "held", hold: "moving the database, ask Kim" });
  expect(status.hold_keys).toEqual([NODE, SITE]);
  for (const command of [["status"], ["check"], ["explain", "REDISPORT"]])
    expect((await cli(agent, command)).output.replaceAll(/\s+/g, " ")).toContain(RELEASE);

  await consul.delete(NODE);
  await until("the other hold", async () =>
    (await problem(agent, "failover_held")).message.endsWith(`. End the hold: \`consul kv delete ${SITE}\`.`),
  );
  await consul.delete(SITE);
  await until("the move", async () => (await agent.variables())["REDIS_PORT"] === String(second.port));
  expect((await agent.converged()).problems).toEqual([]);
  expect(logged(agent, "hold begun")).toBe(1);
  expect(logged(agent, "hold ended")).toBe(1);
  const events = await holdEvents(agent);
  expect(events).toMatchObject([
    { hold: "begun", since: status.hold_since },
    { hold: "ended", since: status.hold_since, reason: "the weekend", keys: [SITE] },
  ]);
  const { output } = await cli(agent, ["history"]);
  expect(output).toMatch(
    / hold +begun: .*\n.* hold +\d+ s +ended: the weekend \(mastodon\/control\/hold\)\n.*applied/,
  );
});

test("a hold keeps its time over a restart, without Consul too, and after a day it is called forgotten", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put(SITE, "the weekend");
  const { hold_since: since } = await held(agent);
  await agent.stop();
  await agent.start();
  expect(await held(agent)).toMatchObject({ hold_since: since, problems: [] });

  await agent.stop();
  await consul.stop();
  const longAgo = new Date(Date.now() - 25 * 3_600_000).toISOString();
  const state = path.join(agent.folder, "state", "state.json");
  await writeFile(state, (await readFile(state, "utf8")).replace(String(since), longAgo));
  await agent.removeEnvFile();
  await agent.start();
  const { message, about } = await problem(agent, "hold_forgotten");
  expect(about).toBe(SITE);
  expect(message).toBe(
    `${SITE}: changes have been held since ${longAgo} ("the weekend"); no setting and no failover is followed. End the hold: \`consul kv delete ${SITE}\`.`,
  );
  expect(await held(agent)).toMatchObject({ hold_since: longAgo, hold_keys: [SITE] });
  await expect(readFile(agent.envFile), "that nobody could be asked ends no hold").rejects.toThrow(/ENOENT/);
  expect(await holdEvents(agent)).toMatchObject([{ hold: "begun" }]);

  await consul.start();
  await until("Consul to be there", async () => (await agent.status()).consul.joined, 30_000);
  await consul.delete(SITE);
  await agent.converged();
  expect(await holdEvents(agent)).toMatchObject([{ hold: "begun" }, { hold: "ended" }]);
}, 60_000);

async function held(agent: TestAgent) {
  return until("the hold", async () => {
    const status = await agent.status();
    return status.hold_since !== null && status;
  });
}

async function problem(agent: TestAgent, code: string) {
  return until(code, async () => (await agent.status()).problems.find((each) => each.code === code));
}

function logged(agent: TestAgent, what: string): number {
  return agent.output().split(`"msg":"${what}"`).length - 1;
}

async function holdEvents({ url }: TestAgent) {
  const journal = z.array(z.unknown()).parse(await (await fetch(`${url}/history`)).json());
  return journal.flatMap((entry) => holdEventSchema.safeParse(entry).data ?? []);
}
