/** `check --probe` finds what the running agent finds, by itself and by asking it. Each fault is a real one. */
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a value in KV that the probe refuses, and what the agent says of it, also after the agent was stopped", async () => {
  await using redis = await startRedis();
  await using agent = await startAgent({
    consul,
    environment: { ...born("probe"), REDISHOST: redis.host, REDISPORT: String(redis.port) },
    config: { watch: { prefix: "probe" }, dependencies: { ...UNPROBED, redis: { probe: true } } },
  });
  await agent.converged();
  const good = await check(agent);
  expect(good).toContainEqual(finding("agent", "ok", /^jail1 is converged: /));
  expect(good).toContainEqual(finding("connections", "ok", /can be had/));

  const nobody = await freePort();
  await consul.put("probe/settings/REDISPORT", String(nobody));
  await problem(agent, "probe_failed");
  const refused = new RegExp(`redis: \\S+:${nobody} is not taken over, .*${redis.port} stays in use`);
  const bad = await check(agent);
  expect(bad).toContainEqual(finding("connections", "FAIL", refused));
  expect(bad).toContainEqual(finding("problem probe_failed", "FAIL", refused));
  expect(bad).toContainEqual(finding("agent", "warn", /jail1 is degraded: .*mastodon-agent status/));

  await agent.stop();
  const alone = await check(agent);
  expect(alone).toContainEqual(finding("connections", "FAIL", refused));
  expect(alone).toContainEqual(finding("agent", "warn", /none runs here, so no setting and no failover/));
});

test("a permission that is missing for the settings, while what the catalogue says counts", async () => {
  await using guarded = await startConsul({ acl: true });
  const everything = 'key_prefix "" { policy = "write" } service_prefix "" { policy = "write" }';
  const token = await guarded.createToken(
    `key_prefix "mastodon/" { policy = "deny" } ${everything} node_prefix "" { policy = "read" }`,
  );
  await guarded.register({ id: "pg1", service: "postgresql", address: "127.0.0.9", port: 5433 });
  await using agent = await startAgent({
    consul: guarded,
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: token },
  });
  await problem(agent, "watch_failing");
  const found = await check(agent);
  expect(found).toContainEqual(
    finding("consul", "FAIL", /^kv mastodon\/: permission denied: .*consul-policy/),
  );
  expect(found).toContainEqual(finding("problem watch_failing", "FAIL", /^kv mastodon\/: permission denied/));
  expect(found.map(({ title }) => title)).toContain("postgres 127.0.0.9:5433");
});

test("another program at the agent's address, an agent that hangs, and none that ever ran", async () => {
  await using agent = await startAgent({ consul, environment: born("address"), config: prefixed("address") });
  await agent.converged();
  agent.signal("SIGSTOP");
  expect(await check(agent)).toContainEqual(
    finding("agent", "FAIL", /the agent runs \(pid \d+\), but the agent does not answer within 5 s\. .*log/),
  );
  agent.signal("SIGCONT");
  await agent.stop();
  const other = await listenAt(new URL(agent.url));
  expect(await check(agent)).toContainEqual(
    finding("agent", "FAIL", /something listens on port \d+: it could not start\. Stop that program/),
  );
  await rm(path.join(agent.folder, "state"), { recursive: true });
  await other[Symbol.asyncDispose]();
  expect(await check(agent)).toContainEqual(finding("agent", "ok", /none ever did/));
});

async function listenAt({ hostname, port }: URL): Promise<AsyncDisposable> {
  const server = createServer((_, response) => response.end("hello"));
  server.listen(Number(port), hostname);
  await once(server, "listening");
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

interface Finding {
  readonly title: string;
  readonly verdict: string;
  readonly messages: readonly string[];
}

/** Every finding of `check --probe --json`. */
async function check(agent: TestAgent): Promise<readonly Finding[]> {
  const { output } = await cli(agent, ["check", "--probe", "--json"]);
  return JSON.parse(output).findings;
}

function finding(title: string, verdict: "ok" | "warn" | "FAIL", message: RegExp) {
  return { title, verdict, messages: expect.arrayContaining([expect.stringMatching(message)]) };
}

/** Keys are pinned by domain, so each agent on this Consul has its own. */
function born(prefix: string) {
  return { ...HOSTS, DOMAIN: `${prefix}.example.org` };
}

function prefixed(prefix: string) {
  return { watch: { prefix } };
}

async function problem(agent: TestAgent, code: string): Promise<void> {
  await until(code, async () => {
    const { problems } = await agent.status();
    if (problems.some((each) => each.code === code)) return true;
    throw new Error(JSON.stringify(problems));
  });
}
