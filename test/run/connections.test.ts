import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

test("holds at most six connections to Consul: one for each watch, and those that short calls leave open", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await until("the join to be looked at", async () => (await agent.status()).consul.joined);
  const held = await connectionsTo(consul.ports.http, agent.pid());
  expect(held).toBeGreaterThanOrEqual(4);
  expect(held).toBeLessThanOrEqual(6);
});

test("unchanged content wakes nothing", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const before = (await agent.reloads()).length;
  await consul.put("elsewhere/key", "1");
  await consul.put("mastodon/settings/MAILPORT", "587");
  await consul.register({ id: "other", service: "other", address: "127.0.0.1", port: 1, status: "passing" });
  await consul.put("mastodon/env/SINGLE_USER_MODE", "true");
  await until("the one real change", async () => (await agent.variables())["SINGLE_USER_MODE"] === "true");
  await agent.converged();
  const { last_change: change } = await agent.status();
  expect(change?.cause).toMatch(/^SINGLE_USER_MODE from mastodon\/env\/SINGLE_USER_MODE \(index \d+\)$/);
  expect((await agent.reloads()).length).toBe(before + 2);
});

/** Established TCP connections of a process to a port, by proc(5): socket inodes of its descriptors. */
async function connectionsTo(port: number, pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(path.join(folder, fd)).catch(() => "")),
  );
  const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const rows = (await readFile("/proc/net/tcp", "utf8"))
    .split("\n")
    .slice(1)
    .map((row) => row.trim().split(/\s+/));
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return rows.filter(
    ([, , peer, state, , , , , , inode]) => peer?.endsWith(remote) && state === "01" && inodes.has(inode),
  ).length;
}
