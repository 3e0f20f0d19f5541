import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsulServer, startConsul } from "./world/consul.ts";
import { type PatroniCluster, startPatroni } from "./world/patroni.ts";
import { until } from "./world/until.ts";

let consul: ConsulServer;
let cluster: PatroniCluster;

beforeAll(async () => {
  consul = await startConsul();
  cluster = await startPatroni({ consul, scope: "main.db", namespace: "db" });
}, 120_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await consul?.[Symbol.asyncDispose]();
});

test("the first member leads, and the catalogue shows each member's role", async () => {
  expect(await cluster.leader()).toBe("pg1");
  expect(await consul.get("db/main.db/leader")).toBe("pg1");
  expect(await rolesInCatalogue()).toEqual({ "main.db/pg1": "primary", "main.db/pg2": "replica" });
  await cluster.node("pg1").query("create table posts as select 1 as id");
  const copied = () => cluster.node("pg2").query("select count(*) from posts");
  expect(await until("the replica to have it", copied)).toBe("1");
});

test("a switchover moves the leader key, and the old leader lives on as a replica", async () => {
  const { from, to } = await roles();
  await cluster.switchover(to.name);
  expect(await cluster.leader()).toBe(to.name);
  await until("a writable leader", async () => (await to.query("select pg_is_in_recovery()")) === "f");
  await until("a replica", async () => (await from.query("select pg_is_in_recovery()")) === "t");
  await until("the new roles in the catalogue", async () => {
    expect(await rolesInCatalogue()).toEqual({
      [`main.db/${to.name}`]: "primary",
      [`main.db/${from.name}`]: "replica",
    });
    return true;
  });
});

test("when the leader is killed the other is promoted, and the killed one can come back", async () => {
  const { from, to } = await roles();
  await from.killHard();
  await expect(from.query("select 1")).rejects.toThrow();
  await until("the other's promotion", async () => (await cluster.leader()) === to.name, 60_000);
  await until("a writable leader", () => to.query("create table after_failover as select 1"), 60_000);
  await from.start();
  const copied = () => from.query("select count(*) from after_failover");
  expect(await until("the killed one to follow", copied, 60_000)).toBe("1");
}, 150_000);

test("a cluster that goes out of scope leaves nothing listening", async () => {
  let node: { host: string; restPort: number; port: number } | undefined;
  {
    await using small = await startPatroni({ consul, scope: "small", nodes: ["one"] });
    node = small.node("one");
  }
  await expect(fetch(`http://${node.host}:${node.restPort}/health`)).rejects.toThrow();
  await expect(fetch(`http://${node.host}:${node.port}`)).rejects.toThrow();
});

async function roles() {
  const leader = await until("a leader", () => cluster.leader());
  const other = cluster.nodes.find(({ name }) => name !== leader);
  if (other === undefined) throw new Error("no other member");
  return { from: cluster.node(leader), to: other };
}

/** The role tag of each instance that passes. */
async function rolesInCatalogue(): Promise<Record<string, string>> {
  const answer = await consul.request("GET", `/v1/health/service/${cluster.service}?passing`);
  if (!Array.isArray(answer)) throw new Error("the catalogue's answer is no list");
  return Object.fromEntries(
    answer.map(({ Service }) => [Service.ID, Service.Tags.includes("primary") ? "primary" : "replica"]),
  );
}
