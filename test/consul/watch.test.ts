import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { clientAt } from "./fixtures/connection.ts";
import { follow } from "./fixtures/follow.ts";
import { proxyTo } from "./fixtures/proxy.ts";
import { replies } from "./fixtures/replies.ts";

let consul: ConsulServer;

beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a prefix that does not exist is an empty snapshot", async () => {
  await using watched = follow(clientAt(consul.address), "missing/");
  await until("a snapshot", () => watched.last());
  expect(watched.snapshots).toEqual([[]]);
  expect(watched.health()?.problem).toBeUndefined();
});

test("each change yields the whole prefix once, and a deletion too", async () => {
  await consul.put("whole/one", "1");
  await using watched = follow(clientAt(consul.address), "whole/");
  await until("the first snapshot", () => watched.last());
  await consul.put("whole/deep/two", "2");
  await until("the second snapshot", () => watched.snapshots.length === 2);
  await consul.delete("whole/one");
  await until("the third snapshot", () => watched.snapshots.length === 3);
  await consul.deleteRecursively("whole/");
  await until("the last snapshot", () => watched.last()?.length === 0);
  expect(watched.snapshots).toEqual([
    ["whole/one=1"],
    ["whole/deep/two=2", "whole/one=1"],
    ["whole/deep/two=2"],
    [],
  ]);
});

test("a write elsewhere, or an unchanged one, wakes nothing", async () => {
  await consul.put("quiet/one", "1");
  await using watched = follow(clientAt(consul.address), "quiet/", { waitMs: 100 });
  await until("a snapshot", () => watched.last());
  await consul.put("quieter/other", "x");
  await consul.put("quiet/one", "1");
  const answers = watched.healths.length;
  await until("a few answers more", () => watched.healths.length > answers + 3);
  expect(watched.snapshots).toEqual([["quiet/one=1"]]);
});

test("bytes arrive as they were put", async () => {
  const bytes = Buffer.from([0, 0xff, 0xfe, 0x0a, 0x24]);
  await consul.put("bytes/one", bytes);
  const answer = await clientAt(consul.address).kvPrefix("bytes/", {
    index: 0n,
    waitMs: 0,
    signal: new AbortController().signal,
  });
  expect(answer.value.map(({ value }) => value)).toEqual([bytes]);
});

test("a watch holds one connection", async () => {
  await using proxy = await proxyTo(consul.address);
  await using watched = follow(clientAt(proxy.address), "one/");
  await until("a snapshot", () => watched.last());
  for (const value of ["1", "2", "3"]) {
    await consul.put("one/key", value);
    await until("the change", () => watched.last()?.[0] === `one/key=${value}`);
    expect(proxy.connections()).toBe(1);
  }
});

test("a restarted Consul is followed as before", async () => {
  await using server = await startConsul();
  await server.put("again/one", "1");
  await using watched = follow(clientAt(server.address), "again/");
  await until("a snapshot", () => watched.last());
  await server.stop();
  await until("the trouble", () => watched.health()?.problem?.includes("no answer"));
  await server.start();
  await server.put("again/one", "2");
  await until("the change", () => watched.last()?.[0] === "again/one=2");
  expect(watched.snapshots).toEqual([["again/one=1"], ["again/one=2"]]);
  expect(watched.health()?.problem).toBeUndefined();
  expect(watched.logged().match(/watch failing/g)?.length).toBeLessThanOrEqual(3);
  expect(watched.logged().match(/watch recovered/g)).toHaveLength(1);
});

test("an index that goes backwards, as with new servers, hides no change", async () => {
  await using young = await startConsul();
  await young.put("back/one", "young");
  for (let count = 0; count < 200; count++) await consul.put("back/count", String(count));
  await using proxy = await proxyTo(consul.address);
  await using watched = follow(clientAt(proxy.address), "back/");
  await until("a snapshot", () => watched.last());
  const before = BigInt(watched.health()?.index ?? 0);
  proxy.moveTo(young.address);
  await until("the other content", () => watched.last()?.[0] === "back/one=young");
  expect(BigInt(watched.health()?.index ?? 0)).toBeLessThan(before);
  await young.put("back/one", "changed");
  await until("the change", () => watched.last()?.[0] === "back/one=changed");
});

test("servers whose index went back are not believed that everything is gone, nor before they have caught up", async () => {
  await using young = await startConsul();
  for (let count = 0; count < 50; count++) await consul.put("lost/one", String(count));
  await using proxy = await proxyTo(consul.address);
  await using watched = follow(clientAt(proxy.address), "lost/", { catchUpMs: 500 });
  await until("a snapshot", () => watched.last()?.[0] === "lost/one=49");
  proxy.moveTo(young.address);
  await until("the doubt to stay", () => watched.health()?.problem?.includes("lost everything"));
  expect(watched.snapshots).toEqual([["lost/one=49"]]);
  await young.put("lost/one", "back");
  await until("what was put back", () => watched.last()?.[0] === "lost/one=back");
  expect(watched.health()?.problem).toBeUndefined();
});

test("after an answer with a lower index the watch continues from there, and believes it once the servers had time to catch up", async () => {
  const answer = (index: string, value: string) => ({
    status: 200,
    headers: { "X-Consul-Index": index },
    body: JSON.stringify([{ Key: "a/b", Value: Buffer.from(value).toString("base64"), ModifyIndex: 1 }]),
  });
  await using server = await replies(answer("90071992547409931", "1"), answer("7", "2"), answer("8", "3"));
  await using watched = follow(clientAt(server.address), "a/", { catchUpMs: 0 });
  await until("four questions", () => server.asked.length === 4);
  expect(server.asked.map((url) => new URL(url, server.address).searchParams.get("index"))).toEqual([
    null,
    "90071992547409931",
    "7",
    "8",
  ]);
  expect(watched.snapshots).toEqual([["a/b=1"], ["a/b=2"], ["a/b=3"]]);
});

test("servers that are behind what an earlier watch has seen are not believed before they have caught up", async () => {
  const nothing = { status: 404, headers: { "X-Consul-Index": "7" }, body: "" };
  const pair = { Key: "a/b", Value: "MQ==", ModifyIndex: 8 };
  const later = { status: 200, headers: { "X-Consul-Index": "9" }, body: JSON.stringify([pair]) };
  await using server = await replies(nothing, nothing, later);
  await using watched = follow(clientAt(server.address), "a/", { sinceIndex: 9n });
  await until("the answer from after it", () => watched.last());
  expect(watched.snapshots).toEqual([["a/b=1"]]);

  await using empty = await replies(nothing, nothing);
  await using believed = follow(clientAt(empty.address), "a/", { sinceIndex: 9n, catchUpMs: 0 });
  await until("the empty prefix, since nobody has seen more here", () => believed.last());
  expect(believed.snapshots[0]).toEqual([]);
});

test("a connection whose peer has died is given up, and the change that passed meanwhile is seen", async () => {
  await consul.put("half/one", "1");
  await using proxy = await proxyTo(consul.address);
  await using watched = follow(clientAt(proxy.address), "half/", { waitMs: 200 });
  await until("a snapshot", () => watched.last());
  proxy.swallow();
  await consul.put("half/one", "2");
  await until("the change", () => watched.last()?.[0] === "half/one=2");
  expect(watched.snapshots).toEqual([["half/one=1"], ["half/one=2"]]);
});

test.each([
  [500, "No cluster leader"],
  [503, "overloaded"],
  [429, "Your IP is issuing too many concurrent connections"],
  [400, "Invalid index"],
])("after HTTP %i it asks again, and meanwhile reports what Consul said", async (status, body) => {
  await using server = await replies(
    { status: 200, headers: { "X-Consul-Index": "5" }, body: "[]" },
    { status: 404 },
    { status, body },
    { status: 200, headers: { "X-Consul-Index": "6" }, body: JSON.stringify([pair("e/f", "1")]) },
  );
  await using watched = follow(clientAt(server.address), "e/");
  await until("the recovery", () => watched.last()?.[0] === "e/f=1");
  const problems = watched.healths.map(({ problem }) => problem).filter((problem) => problem !== undefined);
  expect(problems).toEqual([`no answer: ${body} (HTTP ${status})`]);
});

test("what the token may not see is hidden, not gone", async () => {
  const hidden = { "X-Consul-Index": "6", "X-Consul-Results-Filtered-By-ACLs": "true" };
  await using server = await replies(
    { status: 200, headers: { "X-Consul-Index": "5" }, body: JSON.stringify([pair("g/h", "1")]) },
    { status: 200, headers: hidden, body: JSON.stringify([pair("g/only", "1")]) },
  );
  await using watched = follow(clientAt(server.address), "g/");
  await until("the trouble", () => watched.health()?.problem);
  expect(watched.snapshots).toEqual([["g/h=1"]]);
  expect(watched.health()?.problem).toContain("consul-policy.hcl");
});

test("an answer from a server without a leader is not believed", async () => {
  const leaderless = { "X-Consul-Index": "6", "X-Consul-KnownLeader": "false" };
  await using server = await replies(
    { status: 200, headers: { "X-Consul-Index": "5" }, body: JSON.stringify([pair("i/j", "1")]) },
    { status: 200, headers: leaderless, body: JSON.stringify([pair("i/old", "1")]) },
  );
  await using watched = follow(clientAt(server.address), "i/");
  await until("the trouble", () => watched.health()?.problem);
  expect(watched.snapshots).toEqual([["i/j=1"]]);
  expect(watched.health()?.problem).toContain("no leader");
});

test("a token that Consul does not know is a problem with a cure, and is shown nowhere", async () => {
  await using server = await startConsul({ acl: true });
  const token = randomUUID();
  await using watched = follow(clientAt(server.address, { token: new Secret(token) }), "acl/");
  await until("the trouble", () => watched.health()?.problem);
  expect(watched.health()?.problem).toMatch(/permission denied: ACL not found.*consul-policy\.hcl/);
  expect(JSON.stringify(watched.healths) + watched.logged()).not.toContain(token);
});

test("a prefix that a token may no longer read does not become empty", async () => {
  await using server = await startConsul({ acl: true });
  await server.put("acl/one", "1");
  const token = await server.createToken('key_prefix "acl/" { policy = "read" }');
  await using watched = follow(clientAt(server.address, { token: new Secret(token) }), "acl/", {
    waitMs: 200,
  });
  await until("a snapshot", () => watched.last());
  const policies = await server.request("GET", "/v1/acl/policies");
  const policy = Array.isArray(policies)
    ? policies.find(({ Name }) => Name.startsWith("policy-"))
    : undefined;
  const rules = 'key_prefix "elsewhere/" { policy = "read" }';
  await server.request("PUT", `/v1/acl/policy/${policy.ID}`, { Name: policy.Name, Rules: rules });
  await until("the trouble", () => watched.health()?.problem?.includes("Permission denied"));
  expect(watched.snapshots).toEqual([["acl/one=1"]]);
});

function pair(key: string, value: string): object {
  return { Key: key, Value: Buffer.from(value).toString("base64"), ModifyIndex: 1 };
}
