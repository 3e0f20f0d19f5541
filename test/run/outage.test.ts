import { readFile, rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
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
  await consul.start();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587", 30_000);
  await until("the problem to go", async () => (await agent.status()).problems.length === 0);
});

test("a jail that starts while Consul is away gets the last known good, and keys need no Consul", async () => {
  await using consul = await startConsul();
  await consul.register({
    id: "pg1",
    service: "postgresql",
    address: "10.0.0.1",
    port: 6001,
    status: "passing",
  });
  const { DBHOST: _, ...others } = HOSTS;
  await using agent = await startAgent({ consul, environment: others });
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await until(
    "the put to apply",
    async () => (await agent.variables())["SMTP_SERVER"] === "smtp2.example.org",
  );
  await agent.converged();
  const bytes = await readFile(agent.envFile, "utf8");
  await agent.stop();
  await consul.stop();

  await rm(agent.envFile);
  await agent.start();
  await until(
    "the same file again",
    async () => (await readFile(agent.envFile, "utf8").catch(() => "")) === bytes,
    30_000,
  );
  const status = await agent.status();
  expect(status.endpoints["postgres"]).toMatchObject({
    host: "10.0.0.1",
    port: 6001,
    source: "catalogue: service pg1",
  });
  await consul.start();
  await consul.put("mastodon/settings/MAILPORT", "465");
  await until("it to follow again", async () => (await agent.variables())["SMTP_PORT"] === "465", 30_000);
});

test("the first start of all waits for Consul and renders nothing without it", async () => {
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
