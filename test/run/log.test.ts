import { expect, test } from "vitest";
import * as z from "zod";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { loopbackAddress } from "../world/ports.ts";
import { startSyslog } from "../world/syslog.ts";
import { until } from "../world/until.ts";

const AWAY_MS = 40_000;

test("a change is one line at info, and an idle agent writes none, whatever Consul wakes it for", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS, logLevel: "info" });
  await agent.converged();
  const before = lines(agent);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
  await agent.converged();
  const afterwards = lines(agent).slice(before.length);
  expect(afterwards.map(({ level, msg }) => `${level}: ${msg}`)).toEqual(["info: change applied"]);

  const output = agent.output();
  for (const value of ["1", "2", "3"]) {
    const index = await kvIndex(agent);
    await consul.put("mastodon/nodes/another/settings/MAILPORT", value);
    await until("the watch to wake up", async () => (await kvIndex(agent)) !== index);
  }
  await agent.converged();
  expect(agent.output()).toBe(output);
});

test("the log also goes to REMOTELOG, which KV may change, and lines written while it is away arrive later", {
  timeout: 120_000,
}, async () => {
  const [first, second] = [await loopbackAddress(), await loopbackAddress()];
  await using consul = await startConsul();
  await using one = await startSyslog(first);
  await using other = await startSyslog(second, one.port);
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, REMOTELOG: first },
    config: { log: { level: "info", syslog: { enabled: true, port: one.port } } },
    logLevel: "info",
  });
  await agent.converged();
  const arrived = (server: typeof one, msg: string) =>
    until(`"${msg}"`, async () => (await server.received()).find((line) => line.msg === msg), AWAY_MS);
  const started = await arrived(one, "agent started");
  expect(started).toMatchObject({
    severity: "info",
    facility: "daemon",
    host: "jail1",
    program: "mastodon-agent",
    pid: String(agent.pid()),
    level: "info",
  });
  expect(JSON.parse(started.text)).toMatchObject({ node: "jail1", msg: "agent started" });
  expect(Date.parse(started.time)).toBe(Date.parse(JSON.parse(started.text).time));

  await consul.put("mastodon/settings/REMOTELOG", second);
  await consul.put("mastodon/settings/DBPORT", "many");
  expect(await arrived(other, "problem"), "a refused value").toMatchObject({ severity: "warning" });

  await other.stop();
  const problem = async () =>
    (await agent.status()).problems.filter(({ code }) => code === "syslog_unreachable");
  await until("the problem", async () => (await problem()).length === 1, AWAY_MS);
  expect((await problem())[0]?.message).toContain(`REMOTELOG ${second}, port ${one.port}`);
  await consul.put("mastodon/settings/MAILPORT", "2525");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "2525");
  await other.start();
  await until(
    "the change that nobody heard of",
    async () => (await other.received()).some(({ text }) => text.includes("MAILPORT")),
    AWAY_MS,
  );
  await until("the problem to go", async () => (await problem()).length === 0);
  expect(lines(agent).filter(({ code }) => code === "syslog_unreachable")).toHaveLength(2);
  expect((await agent.stop()).code).toBe(0);
  await arrived(other, "agent stopped");
});

const entry = z.object({ level: z.string(), msg: z.string(), code: z.string().optional() });

function lines(agent: TestAgent): readonly z.infer<typeof entry>[] {
  return agent
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => entry.parse(JSON.parse(line)));
}

async function kvIndex(agent: TestAgent): Promise<string | undefined> {
  return (await agent.status()).watches.find(({ name }) => name.startsWith("kv "))?.index;
}
