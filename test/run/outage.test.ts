import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { checkout } from "../world/programs.ts";
import { until } from "../world/until.ts";

test("goes on while Consul is stopped, and follows again when it is back", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const bytes = await readFile(agent.envFile, "utf8");
  await consul.stop();
  await until("one problem that says so", async () => {
    const { problems, consul: seen } = await agent.status();
    return problems.length === 1 && problems[0]?.code === "consul_unreachable" && !seen.connected;
  });
  expect(await readFile(agent.envFile, "utf8")).toBe(bytes);
  const { state, reason, applied, desired } = await agent.status();
  expect(state).toBe("disconnected");
  expect(reason).toMatch(GOES_ON);
  expect(applied).toBe(desired);
  expect(await readiness(agent)).toEqual({ code: 200, body: `disconnected: ${reason}\n` });
  await consul.start();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587", 30_000);
  await until("the problem to go", async () => (await agent.status()).problems.length === 0);
  await agent.converged();
});

test("a jail that starts while Consul is away uses the last known good, and keys need no Consul", async () => {
  await using consul = await startConsul();
  const instance = { service: "postgresql", port: 6001, status: "passing" } as const;
  await consul.register({ ...instance, id: "pg1", address: "10.0.0.1", tags: ["primary"] });
  await consul.register({ ...instance, id: "pg2", address: "10.0.0.2", tags: ["replica"] });
  const { DBHOST: _, ...others } = HOSTS;
  await using agent = await startAgent({
    consul,
    environment: others,
    config: { dependencies: { ...UNPROBED, postgres_replica: { service: "postgresql" } } },
  });
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await until(
    "the put to apply",
    async () => (await agent.variables())["SMTP_SERVER"] === "smtp2.example.org",
  );
  await agent.converged();
  const bytes = await readFile(agent.envFile, "utf8");
  expect(bytes, "also what Mastodon can do without").toContain("REPLICA_DB_HOST=10.0.0.2\n");
  await agent.stop();
  await consul.stop();

  await rm(agent.envFile);
  await agent.start();
  await until(
    "the same file again",
    async () => (await readFile(agent.envFile, "utf8").catch(() => "")) === bytes,
    30_000,
  );
  const status = await until("the agent to say why", async () => {
    const seen = await agent.status();
    return seen.state === "disconnected" && seen;
  });
  expect(status.reason).toMatch(GOES_ON);
  expect(
    status.problems.map(({ code }) => code),
    "nothing could say that nothing is registered",
  ).toEqual(["consul_unreachable"]);
  expect(status.endpoints["postgres"]).toMatchObject({
    host: "10.0.0.1",
    port: 6001,
    source: "catalogue: service pg1",
    catalogue: "unanswered",
  });
  expect(await readiness(agent)).toMatchObject({ code: 200 });
  await consul.start();
  await consul.put("mastodon/settings/MAILPORT", "465");
  await until("it to follow again", async () => (await agent.variables())["SMTP_PORT"] === "465", 30_000);
});

test("the very first start waits for Consul and renders nothing without it", async () => {
  await using agent = await startAgent({ consul: { address: "http://127.0.0.1:1" }, environment: HOSTS });
  await until("the agent to say so", async () =>
    (await agent.status()).problems.some(({ code }) => code === "consul_unreachable"),
  );
  expect((await agent.status()).state).toBe("starting");
  await expect(readFile(agent.envFile)).rejects.toThrow(/ENOENT/);
  const { code } = await agent.stop();
  expect(code).toBe(0);
});

test("after a restart it says converged only once it has looked at the disk", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  for (let round = 0; round < 5; round++) {
    await agent.stop();
    await rm(agent.envFile);
    await agent.start();
    await agent.converged();
    expect(await readFile(agent.envFile, "utf8")).toContain("SMTP_PORT=25\n");
  }
});

test("a watch that may no longer be read is reported, and what was last read stays in force", async () => {
  await using consul = await startConsul({ acl: true });
  const rules = await readFile(path.join(checkout(), "packaging", "consul-policy.hcl"), "utf8");
  await consul.request("PUT", "/v1/acl/policy", { Name: "agent", Rules: rules });
  const token = tokenSchema.parse(
    await consul.request("PUT", "/v1/acl/token", { Policies: [{ Name: "agent" }] }),
  );
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: token.SecretID },
  });
  const smtpPort = (port: string) =>
    until(`port ${port}`, async () => (await agent.variables())["SMTP_PORT"] === port, LONGER_THAN_A_WAIT_MS);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await smtpPort("587");
  await agent.converged();
  const grant = (Rules: string) =>
    consul.request("PUT", `/v1/acl/policy/${token.Policies[0]?.ID}`, { Name: "agent", Rules });
  await grant(rules.replace(/^key_prefix "mastodon\/".*\n.*\n}$/m, ""));
  // The question that Consul holds is still answered; the next one is not.
  await consul.put("mastodon/settings/MAILPORT", "465");
  await smtpPort("465");
  await consul.put("mastodon/settings/MAILPORT", "2525");
  const status = await until(
    "the agent to say so",
    async () => {
      const seen = await agent.status();
      return seen.state === "degraded" && seen;
    },
    LONGER_THAN_A_WAIT_MS,
  );
  expect(status.reason).toBe("cannot be read in Consul: kv mastodon/; what was last read stays in force");
  expect(status.problems).toMatchObject([{ code: "watch_failing", about: "kv mastodon/" }]);
  expect(await readiness(agent)).toEqual({ code: 200, body: `degraded: ${status.reason}\n` });
  expect((await agent.variables())["SMTP_PORT"]).toBe("465");
  await grant(rules);
  await smtpPort("2525");
  await agent.converged();
}, 200_000);

/** While Consul holds a question it does not check the token again. */
const LONGER_THAN_A_WAIT_MS = 90_000;

const GOES_ON =
  /^Consul has not answered since \d{4}-\S+Z; Mastodon keeps running with the last known good of \d{4}-\S+Z$/;

const tokenSchema = z.object({ SecretID: z.string(), Policies: z.array(z.object({ ID: z.string() })) });

async function readiness({ url }: TestAgent) {
  const answer = await fetch(`${url}/ready`);
  return { code: answer.status, body: await answer.text() };
}
