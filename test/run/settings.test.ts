import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

test("follows a setting through all five levels, and back as keys are deleted", async () => {
  await using consul = await startConsul();
  await consul.register({ ...postgres("pg1"), port: 6001 });
  await using agent = await startAgent({ consul, environment: { ...HOSTS, DBPORT: "6002" } });
  await agent.converged();
  const port = () => agent.variables().then(({ DB_PORT }) => DB_PORT);
  expect(await port(), "catalogue over environment").toBe("6001");

  await consul.put("mastodon/settings/DBPORT", "6003");
  await until("shared KV over catalogue", async () => (await port()) === "6003");
  await consul.put("mastodon/nodes/jail1/settings/DBPORT", "6004");
  await until("node KV over shared KV", async () => (await port()) === "6004");

  await consul.delete("mastodon/nodes/jail1/settings/DBPORT");
  await until("shared KV again", async () => (await port()) === "6003");
  await consul.delete("mastodon/settings/DBPORT");
  await until("the catalogue again", async () => (await port()) === "6001");
  expect((await agent.variables())["SMTP_PORT"], "default").toBe("25");
});

test("waits for what no source knows, says where to put it, and goes on when it is put", async () => {
  await using consul = await startConsul();
  const { DBHOST: _, ...others } = HOSTS;
  await using agent = await startAgent({ consul, environment: others });
  const waiting = await until("the agent to wait", async () => {
    const status = await agent.status();
    return status.problems.length > 0 && status;
  });
  expect(waiting.missing).toEqual(["DBHOST"]);
  expect(waiting.problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/DBHOST.*consul kv put mastodon\/settings\/DBHOST.*service postgresql/),
  ]);
  await consul.put("mastodon/settings/DBHOST", "10.1.2.3");
  expect((await agent.converged()).endpoints["postgres"]).toMatchObject({ host: "10.1.2.3", port: 5432 });
  expect((await agent.variables())["DB_HOST"]).toBe("10.1.2.3");
});

test("starts with a relay without login and a bucket without ACLs", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/env/SMTP_AUTH_METHOD", "none");
  await consul.put("mastodon/env/S3_PERMISSION", "");
  await using agent = await startAgent({ consul, environment: { ...HOSTS, MAILUSER: "", MAILPASS: "" } });
  await agent.converged();
  const variables = await agent.variables();
  expect(variables).toMatchObject({ SMTP_AUTH_METHOD: "none", S3_PERMISSION: "" });
  expect(Object.keys(variables).filter((name) => /^SMTP_(LOGIN|PASSWORD)$/.test(name))).toEqual([]);
});

test("reloads only the units that read a changed variable", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  expect(await agent.reloads(), "the first apply, in order").toEqual(["sidekiq", "web", "streaming"]);
  await consul.put("mastodon/settings/BUCKETHOST", "s3-2.example.org");
  await until("S3 readers to be reloaded", async () => (await agent.reloads()).length === 5);
  expect((await agent.reloads()).slice(3)).toEqual(["sidekiq", "web"]);
  await consul.put("mastodon/env/LOG_LEVEL", "debug");
  await until("streaming to be reloaded", async () => (await agent.reloads()).length === 6);
  expect((await agent.reloads()).at(-1)).toBe("streaming");
});

test("refuses a bad value on its own, keeps the previous one and takes the next good one", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await consul.put("mastodon/settings/DBPORT", "6432");
  await agent.converged();
  await until("the good port", async () => (await agent.variables())["DB_PORT"] === "6432");
  await consul.put("mastodon/settings/DBPORT", "many");
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await until(
    "the rest to apply",
    async () => (await agent.variables())["SMTP_SERVER"] === "smtp2.example.org",
  );
  expect((await agent.variables())["DB_PORT"]).toBe("6432");
  const { problems } = await agent.status();
  expect(problems).toEqual([
    expect.objectContaining({
      code: "input_refused",
      message: expect.stringMatching(/mastodon\/settings\/DBPORT.*previous good value stays.*5432/),
    }),
  ]);
  await consul.put("mastodon/settings/DBPORT", "6433");
  await until("the next good port", async () => (await agent.variables())["DB_PORT"] === "6433");
  await until("the problem to go", async () => (await agent.status()).problems.length === 0);
});

test("keeps a good value that was put before a bad one, even across a restart of the agent", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await consul.put("mastodon/settings/DBPORT", "6432");
  await until("the good port", async () => (await agent.variables())["DB_PORT"] === "6432");
  await agent.converged();
  await consul.put("mastodon/settings/DBPORT", "");
  await until("the refusal", async () => (await agent.status()).problems.length === 1);
  await agent.stop();
  await agent.start();
  await until("the refusal again", async () => (await agent.status()).problems.length === 1);
  expect((await agent.variables())["DB_PORT"]).toBe("6432");
});

test("holds while an operator says so, and on release applies what was put meanwhile", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/control/hold", "migrating the database");
  await until("the hold", async () => (await agent.status()).reason.includes("migrating the database"));
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the agent to see it", async () => {
    const { desired, applied, state } = await agent.status();
    return state === "held" && desired !== applied;
  });
  expect((await agent.variables())["SMTP_PORT"]).toBe("25");
  await consul.delete("mastodon/control/hold");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
});

test("a domain with other pinned keys is refused as long as it has them, and endpoints still move", async () => {
  await using consul = await startConsul();
  const redis = { id: "r1", service: "redis", address: "10.0.0.8", port: 6379, status: "passing" } as const;
  await consul.register(redis);
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon-agent/other.example.org/keys/secret.key", "0123456789abcdef");
  await consul.put("mastodon/settings/DOMAIN", "other.example.org");
  const refused = await until("the refusal", async () => (await agent.status()).problems[0]);
  expect(refused).toMatchObject({ code: "change_refused", message: expect.stringContaining("secret.key") });
  expect(refused.message).toContain("DOMAIN other.example.org");
  await consul.deregister(redis);
  await consul.register({ ...redis, id: "r2", address: "10.0.0.9" });
  await until("the move", async () => (await agent.variables())["REDIS_HOST"] === "10.0.0.9");
  expect((await agent.variables())["LOCAL_DOMAIN"]).toBe("social.example.org");

  await consul.delete("mastodon-agent/other.example.org/keys/secret.key");
  await until("the domain", async () => (await agent.variables())["LOCAL_DOMAIN"] === "other.example.org");
  expect((await agent.converged()).problems).toEqual([]);
  expect(await consul.get("mastodon-agent/other.example.org/keys/secret.key")).toMatch(/^[0-9a-f]{16}/);
});

test("a good value that is still waiting counts as the previous good one", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/control/hold", "not yet");
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the good port to wait", async () => {
    const { desired, applied, state } = await agent.status();
    return state === "held" && desired !== applied;
  });
  await consul.put("mastodon/settings/MAILPORT", "many");
  await until("the refusal", async () => (await agent.status()).problems.length === 1);
  await consul.delete("mastodon/control/hold");
  await until("the good port", async () => (await agent.variables())["SMTP_PORT"] === "587");
});

test("a changed control/reload reloads every unit once", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/control/reload", "1");
  await until("all units", async () => (await agent.reloads()).length === 6);
  await agent.converged();
  await consul.put("mastodon/control/reload", "1");
  await consul.delete("mastodon/control/reload");
  await consul.put("mastodon/control/reload", "2");
  await until("all units again", async () => (await agent.reloads()).length === 9);
  await agent.converged();
  expect(await agent.reloads()).toHaveLength(9);
});

test("1,000 puts in a burst end with the right bytes and at most three reloads", async () => {
  await using consul = await startConsul();
  const pace = { settle: { min: "250ms", max: "2s" }, reload: { min_interval: "10s" } };
  await using agent = await startAgent({ consul, environment: HOSTS, config: pace });
  await agent.converged();
  const webReloads = async () => (await agent.reloads()).filter((unit) => unit === "web").length;
  const before = await webReloads();
  const values = Array.from({ length: 1000 }, (_, number) => String(10_000 + number));
  for (const value of values) await consul.put("mastodon/settings/MAILPORT", value);
  await until("the last value", async () => (await agent.variables())["SMTP_PORT"] === values.at(-1), 40_000);
  await agent.converged();
  expect((await webReloads()) - before).toBeLessThanOrEqual(3);
});

function postgres(id: string) {
  return {
    id,
    node: "db-node",
    service: "postgresql",
    address: "127.0.0.1",
    port: 5432,
    status: "passing",
  } as const;
}
