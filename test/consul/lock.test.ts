import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { acquireFleetLock, type FleetLock, type FleetLockOptions } from "../../src/consul/lock.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { program } from "../world/programs.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";
import { clientAt, now } from "./fixtures/connection.ts";
import { heardLog } from "./fixtures/log.ts";
import { makeNode } from "./fixtures/node.ts";
import { proxyTo } from "./fixtures/proxy.ts";

const domain = "example.org";
const key = `mastodon-agent/${domain}/lock`;

test("two nodes of a domain never hold the lock at once, and each has its turn", async () => {
  await using consul = await startConsul();
  const together: number[] = [];
  let holders = 0;
  const takeTurns = async (node: string) => {
    for (let turn = 0; turn < 10; turn++) {
      await using lock = await acquire(consul, node);
      together.push(++holders);
      expect(await consul.get(key)).toBe(node);
      expect(lock.lost.aborted).toBe(false);
      holders--;
    }
  };
  await Promise.all([takeTurns("node-1"), takeTurns("node-2")]);
  expect(together).toEqual(Array.from({ length: 20 }, () => 1));
  expect(await sessions(consul)).toEqual([]);
});

test("who waits is told who has the turn, in characters that no terminal obeys, and when nobody has it any more", async () => {
  await using consul = await startConsul();
  const one = await acquire(consul, "node-1\x1b[2J");
  const heard: (string | null)[] = [];
  const two = acquire(consul, "node-2", { onHolder: (holder) => heard.push(holder) });
  await until("the holder", () => heard.length > 0);
  await one.release();
  await using _two = await two;
  expect([...new Set(heard)]).toEqual(["node-1\\x1b[2J", null]);
});

test("a lock that an earlier run of this node's agent could not give back is not waited for, only another node's is", async () => {
  await using consul = await startConsul();
  const before = await acquire(consul, "node-1", { ttlMs: 600_000 });
  await using lock = await acquire(consul, "node-1", { signal: AbortSignal.timeout(10_000) });
  expect(lock.lost.aborted).toBe(false);
  expect(await sessions(consul)).toHaveLength(1);
  await before.release();
  expect(await consul.get(key), "what the earlier run does late changes nothing").toBe("node-1");
  await expect(acquire(consul, "node-2", { signal: AbortSignal.timeout(3_000) })).rejects.toThrow();
}, 30_000);

test("nodes of another domain have their own lock", async () => {
  await using consul = await startConsul();
  await using one = await acquire(consul, "node-1");
  await using other = await acquire(consul, "node-1", { domain: "example.net" });
  expect([one.lost.aborted, other.lost.aborted]).toEqual([false, false]);
});

test("the token's shipped policy is enough", async () => {
  await using consul = await startConsul({ acl: true });
  const token = new Secret(await consul.createToken(await readFile("packaging/consul-policy.hcl", "utf8")));
  await using lock = await acquire(consul, "node-1", { client: clientAt(consul.address, { token }) });
  await lock.release();
  expect(await sessions(consul)).toEqual([]);
});

test("a lock that is released twice is released once, and the next holder keeps it", async () => {
  await using consul = await startConsul();
  const one = await acquire(consul, "node-1");
  await one.release();
  await using _two = await acquire(consul, "node-2");
  await one.release();
  const answer = await clientAt(consul.address).kvKey(key, now());
  expect([answer.value?.value.toString(), answer.value?.session]).toEqual([
    "node-2",
    (await sessions(consul))[0],
  ]);
});

test("a stopped waiter ends at once and leaves no session behind", async () => {
  await using consul = await startConsul();
  await using proxy = await proxyTo(consul.address);
  await using _held = await acquire(consul, "node-1");
  const before = await sessions(consul);
  const end = new AbortController();
  const waiting = acquire(consul, "node-2", { client: clientAt(proxy.address), signal: end.signal });
  await until("the waiter to ask", () => proxy.connections() > 0);
  end.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  expect(await sessions(consul)).toEqual(before);
});

test("a Consul that does not answer is reported with its error", async () => {
  await using consul = await startConsul();
  await consul.stop();
  await expect(acquire(consul, "node-1")).rejects.toMatchObject({
    name: "ConsulError",
    kind: "unreachable",
  });
});

test("a session that ends while the lock is held is noticed, and the lock is not released again", async () => {
  await using consul = await startConsul();
  const { log, text } = heardLog();
  await using lock = await acquire(consul, "node-1", { log });
  for (const id of await sessions(consul)) await consul.request("PUT", `/v1/session/destroy/${id}`);
  await using _next = await acquire(consul, "node-2");
  await until("the loss to be noticed", () => lock.lost.aborted);
  expect(text()).toContain("fleet lock lost");
  await lock.release();
  expect(await consul.get(key)).toBe("node-2");
});

// These take as long as a session's time, so they take it together.

test.concurrent("a holder that is killed frees the lock", async () => {
  await using consul = await startConsul();
  const fixture = fileURLToPath(new URL("fixtures/hold-lock.ts", import.meta.url));
  await using holder = await start(process.execPath, [fixture, consul.address, domain, "node-1"]);
  await until("the lock to be held", () => holder.output().includes("held"));
  holder.signal("SIGKILL");
  await holder.exited;
  expect(await consul.get(key)).toBe("node-1");
  await using _lock = await acquire(consul, "node-2");
  expect(await consul.get(key)).toBe("node-2");
});

test.concurrent("a failed node frees the lock before its session expires", async () => {
  const gossipKey = Buffer.alloc(32, 1).toString("base64");
  await using consul = await startConsul({ gossipKey });
  await using node = await makeNode({ gossipKey, join: consul.join });
  await using agent = await start(program("consul"), ["agent", `-config-file=${node.configFile}`]);
  const client = clientAt(node.address);
  await until("the node to join", async () => (await client.members()).length === 2);
  const hold = () => acquire(consul, "node-1", { client, ttlMs: 3_600_000 });
  await using _held = await until("the node to be known as healthy", hold);
  agent.signal("SIGKILL");
  await using _lock = await acquire(consul, "node-2");
  expect(await consul.get(key)).toBe("node-2");
});

test.concurrent("a lock is held for longer than an unrenewed session would last", async () => {
  await using consul = await startConsul();
  const client = clientAt(consul.address);
  await using lock = await acquire(consul, "node-1");
  await client.createSession({ name: "not renewed", ttlMs: 10_000, lockDelayMs: 0 });
  await until("the other to end", async () => (await sessions(consul)).length === 1, 40_000);
  expect(lock.lost.aborted).toBe(false);
  expect((await client.kvKey(key, now())).value?.session).toBe((await sessions(consul))[0]);
});

test.concurrent("a holder that cannot renew its session in time considers the lock lost", async () => {
  await using consul = await startConsul();
  const { log, text } = heardLog();
  const lock = await acquire(consul, "node-1", { log });
  await consul.stop();
  await until("the loss to be noticed", () => lock.lost.aborted, 30_000);
  await lock.release();
  expect(text()).toContain("not released");
});

function acquire(
  consul: ConsulServer,
  node: string,
  more: Partial<FleetLockOptions> = {},
): Promise<FleetLock> {
  const { log } = heardLog();
  const signal = AbortSignal.timeout(45_000);
  return acquireFleetLock({ client: clientAt(consul.address), domain, node, signal, log, ...more });
}

/** The IDs of all sessions that Consul has. */
async function sessions(consul: ConsulServer): Promise<readonly string[]> {
  const answer = await consul.request("GET", "/v1/session/list");
  return Array.isArray(answer) ? answer.map(({ ID }) => String(ID)) : [];
}
