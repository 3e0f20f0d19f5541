/** Three real servers and a client, each on a loopback address of its own. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { freePort } from "../world/ports.ts";
import { until } from "../world/until.ts";
import { type Cluster, type Member, startCluster } from "./fixtures/cluster.ts";

/** The longest pause between two questions to a Consul that does not answer is 15 s. */
const LONGER_THAN_ANY_PAUSE_MS = 20_000;

test("a killed leader costs nothing but the time of the election", async () => {
  await using cluster = await startCluster(3);
  const { leader, follower } = await rolesIn(cluster);
  await using agent = await startAgent({ consul: follower, environment: HOSTS });
  await agent.converged();
  const before = await stateOf(agent);
  await leader.kill();
  await until(
    "another leader",
    async () => (await cluster.leader()) !== leader && (await follower.isReady()),
    30_000,
  );
  expect(await stateOf(agent)).toEqual(before);
  await put(follower, agent, "587");
  await until("no problem", async () => (await agent.status()).problems.length === 0, 30_000);
}, 120_000);

test("all servers are gone for longer than any pause between retries, and the agent follows again when they are back", async () => {
  await using cluster = await startCluster(3);
  const [asked] = cluster.servers;
  if (asked === undefined) throw new Error("a cluster has servers");
  await using agent = await startAgent({ consul: asked, environment: HOSTS });
  await agent.converged();
  const before = await stateOf(agent);
  await Promise.all(cluster.servers.map((server) => server.kill()));
  const goneMs = performance.now();
  await until("the problem", () => isUnreachable(agent));
  await until("the time to pass", () => performance.now() - goneMs > LONGER_THAN_ANY_PAUSE_MS, 30_000);
  expect(await isUnreachable(agent)).toBe(true);
  expect(await stateOf(agent)).toEqual(before);
  await Promise.all(cluster.servers.map((server) => server.start()));
  await until("a leader", asked.isReady, 30_000);
  await put(asked, agent, "587");
  await until("no problem", async () => (await agent.status()).problems.length === 0, 30_000);
}, 120_000);

test("a restarted client agent moves no endpoint, although it first reports its checks as critical", async () => {
  await using database = await listening();
  await using cluster = await startCluster(1);
  const client = await cluster.client();
  await client.request("PUT", "/v1/agent/service/register", {
    Name: "postgresql",
    Address: database.host,
    Port: database.port,
    Check: { TCP: `${database.host}:${database.port}`, Interval: "1s" },
  });
  await until("the instance to pass", () => isPassing(client));
  const { DBHOST: _, ...others } = HOSTS;
  await using agent = await startAgent({ consul: client, environment: others });
  await agent.converged();
  const before = await stateOf(agent);
  await client.kill();
  await until("the problem", () => isUnreachable(agent));
  await client.start();
  await until("the client to be back", client.isReady, 30_000);
  await until("the instance to pass", () => isPassing(client), 30_000);
  await until("no problem", async () => (await agent.status()).problems.length === 0, 30_000);
  expect(await stateOf(agent)).toEqual(before);
  await put(client, agent, "587");
  expect((await agent.variables())["DB_HOST"]).toBe(database.host);
}, 120_000);

async function rolesIn(cluster: Cluster): Promise<{ leader: Member; follower: Member }> {
  const leader = await cluster.leader();
  const follower = cluster.servers.find((server) => server !== leader);
  if (follower === undefined) throw new Error("a cluster of three has followers");
  return { leader, follower };
}

async function stateOf(agent: TestAgent) {
  return { bytes: await readFile(agent.envFile, "utf8"), reloads: await agent.reloads() };
}

async function isUnreachable(agent: TestAgent): Promise<boolean> {
  return (await agent.status()).problems.some(({ code }) => code === "consul_unreachable");
}

async function put(consul: Member, agent: TestAgent, port: string): Promise<void> {
  await consul.put("mastodon/settings/MAILPORT", port);
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === port, 30_000);
}

async function isPassing(consul: Member): Promise<boolean> {
  return JSON.stringify(await consul.request("GET", "/v1/health/service/postgresql?passing")) !== "[]";
}

async function listening() {
  const [host, port] = ["127.0.0.1", await freePort()];
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return { host, port, [Symbol.asyncDispose]: async () => void server.close() };
}
