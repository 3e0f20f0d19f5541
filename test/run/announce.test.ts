import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { announced, checkOf } from "../world/announced.ts";
import { startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

const IN_FORCE = "passing: converged: everything the sources ask for is in force";
/** Consul asks every ten seconds. */
const CHECKED_MS = 40_000;

test.concurrent("the agent is in Consul with its state in one line, and an agent that is idle or gets SIGHUP writes nothing there", async () => {
  await using consul = await startConsul();
  const ttlMs = 6000;
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: { announce: { ttl: `${ttlMs}ms`, status: true } },
  });
  await agent.converged();
  await until("its state", async () => (await checkOf(consul, "mastodon-agent")) === IN_FORCE);
  const [entry] = await announced(consul, "mastodon-agent");
  expect(entry).toMatchObject({
    id: "mastodon-agent-jail1",
    address: "127.0.0.1",
    tags: ["_app=mastodon", "_service=mastodon-agent", "_hostname=jail1"],
    meta: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    checks: [{ name: "state" }],
  });
  expect(entry?.port).toBe(Number((await configOf(agent)).http.split(":")[1]));
  expect(
    await consul.request("GET", "/v1/internal/ui/services"),
    "what Consul's own UI shows",
  ).toContainEqual(expect.objectContaining({ Name: "mastodon-agent", ChecksWarning: 0, ChecksCritical: 0 }));

  const document = () => consul.get("mastodon-agent/social.example.org/status/jail1");
  await until(
    "the status document",
    async () => JSON.parse((await document()) ?? "{}").state === "converged",
  );
  const documented = () => consul.request("GET", "/v1/kv/mastodon-agent/social.example.org/status/jail1");
  const index = async () => (await announced(consul, "mastodon-agent"))[0]?.modifyIndex;
  const aTtl = () => {
    const sinceMs = Date.now();
    return until("the TTL to pass", () => Date.now() - sinceMs > 1.5 * ttlMs);
  };
  await until(
    "the last of what there was to say",
    async () => {
      const before = JSON.stringify([await index(), await documented()]);
      await aTtl();
      return JSON.stringify([await index(), await documented()]) === before;
    },
    CHECKED_MS,
  );
  const before = await index();
  const { started_at } = await agent.status();
  agent.signal("SIGHUP");
  await until("it to begin anew", async () => (await agent.status()).started_at !== started_at);
  await agent.converged();
  await aTtl();
  expect(await index()).toBe(before);
  expect(await checkOf(consul, "mastodon-agent")).toBe(IN_FORCE);
});

test.concurrent("a hold is a warning with its reason, a change that fails is critical, and what follows is passing", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (folder) => ({
      units: { web: { reload: [{ run: ["test", "!", "-e", path.join(folder, "broken")] }] } },
    }),
  });
  const says = (text: string) =>
    until(text, async () => (await checkOf(consul, "mastodon-agent")).startsWith(text));
  await says(IN_FORCE);
  await consul.put("mastodon/control/hold", "moving the database");
  await says("warning: held: on hold: moving the database");
  await consul.delete("mastodon/control/hold");
  await says("passing: ");

  await writeFile(path.join(agent.folder, "broken"), "");
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await says("critical: failed: unit web");
  await rm(path.join(agent.folder, "broken"));
  await consul.put("mastodon/settings/MAILHOST", "smtp3.example.org");
  await says(IN_FORCE);
});

test.concurrent("a killed agent turns critical and one that is stopped says so", async () => {
  await using consul = await startConsul();
  // What a stopped agent says lasts as long as its TTL.
  await using agent = await startAgent({ consul, environment: HOSTS, config: { announce: { ttl: "1m" } } });
  // A sync that fails Consul tries again after 15 s at the earliest.
  const says = (pattern: RegExp) =>
    until(String(pattern), async () => pattern.test(await checkOf(consul, "mastodon-agent")), CHECKED_MS);
  await says(/^passing: converged/);

  await agent.stop();
  await says(/^warning: agent stopped$/);
  await writeFile(agent.configFile, stringify({ ...(await configOf(agent)), announce: { ttl: "3s" } }));
  await agent.start();
  await says(/^passing: converged/);

  agent.signal("SIGKILL");
  await says(/^critical: TTL expired/);
  await agent.start();
  await says(/^passing: converged/);
});

test.concurrent("Mastodon's services have their own checks, and one that is down is critical", async () => {
  await using consul = await startConsul();
  await using streaming = await httpServer();
  await using sidekiq = await start("sleep", ["600"]);
  const pidfile = (folder: string) => path.join(folder, "sidekiq.pid");
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    prepare: (folder) => writeFile(pidfile(folder), `${sidekiq.pid}\n`),
    config: (folder) => ({
      announce: { ttl: "30s" },
      units: {
        web: { reload: [{ run: ["true"] }], health: { tcp: streaming.address } },
        sidekiq: { reload: [{ run: ["true"] }], health: { pidfile: pidfile(folder) } },
        streaming: { reload: [{ run: ["true"] }], health: { http: `http://${streaming.address}/health` } },
      },
    }),
  });
  await agent.converged();
  const says = (service: string, pattern: RegExp) =>
    until(`${service} ${pattern}`, async () => pattern.test(await checkOf(consul, service)), CHECKED_MS);
  await says("mastodon-streaming", /^passing: HTTP GET .* 200 OK/);
  await says("mastodon-web", /^passing: TCP connect .* Success/);
  await says("mastodon-sidekiq", /^passing: healthy$/);
  const [entry] = await announced(consul, "mastodon-streaming");
  expect(entry).toMatchObject({
    port: Number(streaming.address.split(":")[1]),
    tags: ["_app=mastodon", "_service=mastodon-streaming", "_hostname=jail1"],
  });
  const site = await announced(consul, "mastodon");
  expect(site, "beside a client that is not ours the site itself too").toMatchObject([
    { id: "mastodon-jail1", port: 443, checks: [{ name: "nginx listens", status: "critical" }] },
  ]);

  await streaming[Symbol.asyncDispose]();
  await sidekiq.stop();
  await says("mastodon-streaming", /^critical: /);
  await says("mastodon-sidekiq", /^critical: ./);
  expect((await agent.stop()).code).toBe(0);
  expect(await checkOf(consul, "mastodon-sidekiq")).toBe("warning: agent stopped");
  expect(await checkOf(consul, "mastodon-streaming")).toMatch(/^critical: /);
});

test.concurrent("a site that this node does not serve is not registered", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS, config: { announce: { also: [] } } });
  await agent.converged();
  await until("its state", async () => (await checkOf(consul, "mastodon-agent")) === IN_FORCE);
  expect(await consul.request("GET", "/v1/catalog/services")).not.toHaveProperty("mastodon");
});

test.concurrent("what is registered outlives a restart of the Consul client, and comes back if somebody removes it", async () => {
  await using consul = await startConsul();
  await consul.request("PUT", "/v1/agent/service/register", { Name: "mastodon", Port: 443 });
  await using agent = await startAgent({ consul, environment: HOSTS, config: { announce: { ttl: "1m" } } });
  await agent.converged();
  await until("its state", async () => (await checkOf(consul, "mastodon-agent")) === IN_FORCE);
  expect(
    (await announced(consul, "mastodon")).map(({ id }) => id),
    "somebody else has it",
  ).toEqual(["mastodon"]);
  await consul.stop();
  await consul.start();
  expect(await consul.request("GET", "/v1/agent/services")).toHaveProperty("mastodon-agent-jail1");
  await until(
    "its state again",
    async () => (await checkOf(consul, "mastodon-agent")) === IN_FORCE,
    CHECKED_MS,
  );

  await consul.request("PUT", "/v1/agent/service/deregister/mastodon-agent-jail1");
  await until(
    "it to be back",
    async () => (await checkOf(consul, "mastodon-agent")) === IN_FORCE,
    CHECKED_MS,
  );

  await writeFile(agent.configFile, stringify({ ...(await configOf(agent)), announce: { enabled: false } }));
  agent.signal("SIGHUP");
  await until("it to be gone", async () => (await announced(consul, "mastodon-agent")).length === 0);
  expect(await announced(consul, "mastodon")).toHaveLength(1);
});

test.concurrent("without the permission that is one problem, and Mastodon is configured all the same", async () => {
  await using consul = await startConsul({ acl: true });
  const shipped = await readFile(path.join(import.meta.dirname, "../../packaging/consul-policy.hcl"), "utf8");
  const rules = shipped.replaceAll(/^service "mastodon.*\n.*\n}$/gm, "");
  const token = await consul.createToken(rules);
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: token },
    config: { announce: { ttl: "3s" } },
  });
  await agent.converged();
  const problems = await until("the problem", async () => {
    const found = (await agent.status()).problems;
    return found.length > 0 && found;
  });
  expect(problems).toMatchObject([{ code: "announce_denied" }]);
  expect(problems[0]?.message).toMatch(/Permission denied.*configured all the same.*consul-policy\.hcl/i);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
  expect(agent.output()).not.toContain(token);

  const policy = `/v1/acl/policy/${await policyOf(consul, token)}`;
  const itself = 'service "mastodon-agent" { policy = "write" }';
  await consul.request("PUT", policy, { Name: "some", Rules: `${rules}\n${itself}` });
  await until(
    "what is allowed",
    async () => (await checkOf(consul, "mastodon-agent")) === IN_FORCE,
    CHECKED_MS,
  );
  expect((await agent.status()).problems).toMatchObject([{ code: "announce_denied" }]);

  await consul.request("PUT", policy, { Name: "all", Rules: shipped });
  await until("the problem to go", async () => (await agent.status()).problems.length === 0, CHECKED_MS);
  expect(await announced(consul, "mastodon")).toHaveLength(1);
});

async function policyOf(consul: { readonly address: string }, token: string): Promise<string> {
  const answer = await fetch(`${consul.address}/v1/acl/token/self`, { headers: { "X-Consul-Token": token } });
  const body: unknown = await answer.json();
  return /"Policies":\[\{"ID":"([^"]+)"/.exec(JSON.stringify(body))?.[1] ?? "";
}

async function configOf({ configFile }: TestAgent): Promise<{ readonly http: string }> {
  return parse(await readFile(configFile, "utf8"));
}

async function httpServer() {
  const server = createServer((_request, response) => response.end("OK"));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}
