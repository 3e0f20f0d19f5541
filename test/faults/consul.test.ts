import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

const tokenSchema = z.object({ AccessorID: z.string(), Policies: z.array(z.unknown()) });

/** A question that Consul holds when a snapshot is restored is held on: only the next one is answered from it. */
const LONGER_THAN_A_WAIT_MS = 90_000;

test.concurrent("a restored snapshot is followed back to its values, and forward again from there", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await consul.put("mastodon/settings/MAILPORT", "587");
  await smtpPort(agent, "587");
  await agent.converged();
  const saved = await (await fetch(`${consul.address}/v1/snapshot`)).arrayBuffer();
  for (const port of ["2001", "2002", "2003"]) await consul.put("mastodon/settings/MAILPORT", port);
  await smtpPort(agent, "2003");
  const restored = await fetch(`${consul.address}/v1/snapshot`, { method: "PUT", body: saved });
  expect(restored.status).toBe(200);
  await smtpPort(agent, "587", LONGER_THAN_A_WAIT_MS);
  await consul.put("mastodon/settings/MAILPORT", "465");
  await smtpPort(agent, "465");
  await agent.converged();
}, 150_000);

test.concurrent("a prefix deleted by mistake removes no endpoint, and once restored everything is as before", async () => {
  await using consul = await startConsul();
  const { DBHOST, ...others } = HOSTS;
  const put = async () => {
    await consul.put("mastodon/settings/DBHOST", DBHOST);
    await consul.put("mastodon/settings/MAILPORT", "587");
  };
  await put();
  await using agent = await startAgent({ consul, environment: others });
  await agent.converged();
  const { bytes } = await stateOf(agent);
  await consul.deleteRecursively("mastodon/");
  await smtpPort(agent, "25");
  expect((await agent.variables())["DB_HOST"]).toBe(DBHOST);
  await until("the agent to say so", async () =>
    (await agent.status()).problems.some(({ code }) => code === "no_candidate"),
  );
  await put();
  await smtpPort(agent, "587");
  await agent.converged();
  expect((await stateOf(agent)).bytes).toBe(bytes);
});

test.concurrent("deleting a prefix that something is needed from changes nothing, and restoring it reloads nothing", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILHOST", "smtp.example.org");
  await using agent = await startAgent({ consul, environment: { ...HOSTS, MAILHOST: "" } });
  await agent.converged();
  const before = await stateOf(agent);
  await consul.deleteRecursively("mastodon/");
  const status = await until("the agent to wait and say so", async () => {
    const seen = await agent.status();
    return seen.problems.length > 0 && seen;
  });
  expect(status).toMatchObject({ state: "waiting", problems: [{ code: "setting_missing" }] });
  expect(await stateOf(agent)).toEqual(before);
  await consul.put("mastodon/settings/MAILHOST", "smtp.example.org");
  await agent.converged();
  expect(await stateOf(agent)).toEqual(before);
});

test.concurrent("a revoked token is reported, changes nothing, and works again once restored", async () => {
  await using consul = await startConsul({ acl: true });
  const rules = await readFile(path.join(import.meta.dirname, "../../packaging/consul-policy.hcl"), "utf8");
  const secret = await consul.createToken(rules);
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: secret },
  });
  await consul.put("mastodon/settings/MAILPORT", "587");
  await smtpPort(agent, "587");
  await agent.converged();
  const self = await fetch(`${consul.address}/v1/acl/token/self`, { headers: { "X-Consul-Token": secret } });
  const { AccessorID, Policies } = tokenSchema.parse(await self.json());
  await consul.request("DELETE", `/v1/acl/token/${AccessorID}`);
  // The question that Consul holds is still answered; the next one is not.
  await consul.put("mastodon/control/hold", "");
  await until("the denial", async () =>
    (await agent.status()).problems.some(({ message }) => /permission denied|ACL not found/i.test(message)),
  );
  const before = await stateOf(agent);
  await consul.put("mastodon/settings/MAILPORT", "465");
  await consul.deleteRecursively("mastodon/settings/");
  expect(await stateOf(agent)).toEqual(before);
  expect((await agent.status()).problems.map(({ message }) => message).join()).not.toContain(secret);
  await consul.request("PUT", "/v1/acl/token", { SecretID: secret, Policies });
  await consul.put("mastodon/settings/MAILPORT", "2525");
  await smtpPort(agent, "2525");
  await until("no problem", async () => (await agent.status()).problems.length === 0, 30_000);
});

async function smtpPort(agent: TestAgent, port: string, deadlineMs = 40_000): Promise<void> {
  await until(`port ${port}`, async () => (await agent.variables())["SMTP_PORT"] === port, deadlineMs);
}

async function stateOf(agent: TestAgent) {
  return { bytes: await readFile(agent.envFile, "utf8"), reloads: await agent.reloads() };
}
