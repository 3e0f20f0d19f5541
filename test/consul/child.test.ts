import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { stopChild } from "../../src/consul/child.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { program } from "../world/programs.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";
import { clientAt } from "./fixtures/connection.ts";
import { makeNode, type Node, supervise } from "./fixtures/node.ts";

const gossipKey = Buffer.alloc(32, 1).toString("base64");
const otherKey = Buffer.alloc(32, 2).toString("base64");
let server: ConsulServer;

beforeAll(async () => {
  server = await startConsul({ gossipKey });
});
afterAll(() => server[Symbol.asyncDispose]());

test("the client outlives its supervisor and is adopted by the next one", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  const first = supervise(node);
  await untilJoined(node);
  const pid = await node.pid();
  await first.stop();
  await using second = supervise(node);
  await until("the second supervisor to find it", () =>
    second.logged().includes("found the Consul client running"),
  );
  expect(await node.pid()).toBe(pid);
  expect(second.logged()).not.toContain("started the Consul client");
});

test("the client outlives a supervisor that is killed, and goes on writing its log", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  const fixture = fileURLToPath(new URL("fixtures/supervisor.ts", import.meta.url));
  const argv = [fixture, program("consul"), node.configFile, node.directory, node.dataDir, gossipKey];
  await using sidecar = await start(process.execPath, argv);
  await untilJoined(node);
  const pid = await node.pid();
  sidecar.signal("SIGKILL");
  await sidecar.exited;
  const logged = (await stat(join(node.directory, "consul.log"))).size;
  await fetch(`${node.address}/v1/agent/maintenance?enable=true`, { method: "PUT" });
  await until(
    "a new line in the log",
    async () => (await stat(join(node.directory, "consul.log"))).size > logged,
  );
  expect(await node.pid()).toBe(pid);
  expect(await statusInCluster(node.name)).toBe(ALIVE);
});

test("a killed client is started again and joins again", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  await using _supervisor = supervise(node);
  await untilJoined(node);
  const pid = await node.pid();
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  await untilOtherThan(pid, node);
  await untilJoined(node);
});

test("a changed configuration restarts the client without leaving the cluster", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  const first = supervise(node);
  await untilJoined(node);
  const pid = await node.pid();
  await first.stop();
  await node.configure({ gossipKey, join: server.join, configuration: { node_meta: { changed: "yes" } } });
  await using second = supervise(node);
  await untilOtherThan(pid, node);
  await untilJoined(node);
  expect(second.logged()).toContain("because its configuration has changed");
  expect(server.output()).not.toContain(`EventMemberLeave: ${node.name}`);
});

test("a rotated gossip key takes effect although Consul kept the old one in its keyring", async () => {
  await using node = await makeNode({ gossipKey: otherKey, join: server.join });
  const first = supervise(node);
  await until("the wrong key to be noticed", () =>
    first.heard.some((line) => line.includes("No installed keys")),
  );
  await first.stop();
  await node.configure({ gossipKey, join: server.join });
  await using second = supervise(node, { gossipKey: new Secret(gossipKey) });
  await untilJoined(node);
  expect(second.logged()).toContain("moved aside a keyring with another gossip key");
  expect(second.logged()).not.toContain(gossipKey);
  expect(second.logged()).not.toContain(otherKey);
});

test("a client that cannot be started is one problem that says where to look", async () => {
  await using node = await makeNode({ gossipKey, join: server.join, configuration: { data_dir: "" } });
  await using supervisor = supervise(node);
  const [problem] = await until("a problem", () => supervisor.problems().length > 0 && supervisor.problems());
  expect(problem?.code).toBe("consul_client_dies");
  expect(problem?.message).toContain("data_dir cannot be empty");
  expect(problem?.message).toContain(join(node.directory, "consul.log"));
});

test("a missing binary is one problem that names it", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  await using supervisor = supervise(node, { binary: "/nowhere/consul" });
  const [problem] = await until("a problem", () => supervisor.problems().length > 0 && supervisor.problems());
  expect(problem?.message).toContain("/nowhere/consul");
  expect(problem?.message).toContain("ENOENT");
});

test("the client's environment has nothing of the agent's", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  await using _supervisor = supervise(node);
  const pid = await until("a client", node.pid);
  const environment = await readFile(`/proc/${pid}/environ`, "utf8");
  const names = environment.split("\0").map((line) => line.split("=")[0]);
  expect(names.filter((name) => name !== "").sort()).toEqual(["HOME", "LANG", "PATH"]);
});

test("a client can be stopped with the state directory it was started with", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  const supervisor = supervise(node);
  await until("a client", node.pid);
  await supervisor.stop();
  await stopChild(node.directory);
  expect(await node.pid()).toBeUndefined();
});

const ALIVE = 1;

async function untilJoined(node: Node): Promise<void> {
  await until("the client to know a leader", () => clientAt(node.address).leader());
}

async function untilOtherThan(pid: number | undefined, node: Node): Promise<void> {
  await until("another client", async () => {
    const next = await node.pid();
    return next !== undefined && next !== pid;
  });
}

async function statusInCluster(name: string): Promise<unknown> {
  const members = await server.request("GET", "/v1/agent/members");
  const member = Array.isArray(members) ? members.find(({ Name }) => Name === name) : undefined;
  return member?.Status;
}
