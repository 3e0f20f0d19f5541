import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { ConsulError } from "../../src/consul/errors.ts";
import { askConsul } from "../../src/consul/question.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { clientAt, now } from "./fixtures/connection.ts";
import { follow } from "./fixtures/follow.ts";
import { replies } from "./fixtures/replies.ts";

test("HTTPS works with the authority's certificate and a client's own, and not without", async () => {
  await using consul = await startConsul({ tls: "clients" });
  await consul.put("tls/one", "1");
  const { certificates } = consul;
  if (certificates === undefined) throw new Error("no certificates");
  const [caCert, clientCert, clientKey] = await Promise.all(
    [certificates.ca, certificates.clientCertificate, certificates.clientKey].map((path) =>
      readFile(path, "utf8"),
    ),
  );
  const own = { clientCert: clientCert ?? "", clientKey: clientKey ?? "" };
  await using watched = follow(clientAt(consul.address, { caCert: caCert ?? "", ...own }), "tls/");
  await until("a snapshot", () => watched.last());
  await consul.put("tls/one", "2");
  await until("the change", () => watched.last()?.[0] === "tls/one=2");

  const asked = (more: object) => clientAt(consul.address, more).kvKey("tls/one", now());
  await expect(asked(own)).rejects.toMatchObject({ kind: "unreachable" });
  await expect(asked({ caCert })).rejects.toMatchObject({ kind: "unreachable" });
  expect((await asked({ ...own, sslVerify: false })).value?.key).toBe("tls/one");
});

test("blocking queries for instances are answered by a server, which knows whether there is a leader", async () => {
  await using consul = await startConsul();
  const redis = (id: string) => ({ id, service: "redis", port: 6379 });
  await consul.register(redis("a"));
  const client = clientAt(consul.address);
  const { index } = await client.instances("redis", now());
  const waiting = client.instances("redis", { ...now(), index, waitMs: 10_000 });
  await consul.register(redis("b"));
  const { value, knownLeader } = await waiting;
  expect(value.map(({ id }) => id)).toEqual(["a", "b"]);
  expect(knownLeader).toBe(true);
});

test("an instance's host is its meta, else its address, else its node's", async () => {
  await using consul = await startConsul();
  const redis = (id: string, more: object) => ({ id, service: "redis", port: 6379, ...more });
  await consul.register(redis("a", { address: "10.0.0.1", meta: { host: "redis.example.org" } }));
  await consul.register(redis("b", { address: "10.0.0.2", tags: ["primary"], status: "critical" }));
  await consul.register(redis("c", { nodeAddress: "10.0.0.3" }));
  const { value } = await clientAt(consul.address).instances("redis", now());
  expect(value.map(({ id, host, failing, tags }) => ({ id, host, failing, tags }))).toEqual([
    { id: "a", host: "redis.example.org", failing: [], tags: [] },
    {
      id: "b",
      host: "10.0.0.2",
      failing: [{ name: "Service 'redis' check", status: "critical", output: "" }],
      tags: ["primary"],
    },
    { id: "c", host: "10.0.0.3", failing: [], tags: [] },
  ]);
});

test("a key is compared and set only at its index", async () => {
  await using consul = await startConsul();
  const client = clientAt(consul.address);
  expect(await client.compareAndSet("cas", "1", 0)).toBe(true);
  expect(await client.compareAndSet("cas", "2", 0)).toBe(false);
  const index = (await client.kvKey("cas", now())).value?.modifyIndex ?? 0;
  expect(await client.compareAndSet("cas", "2", index)).toBe(true);
  expect(await consul.get("cas")).toBe("2");
});

test("a key with spaces and umlauts is one key", async () => {
  await using consul = await startConsul();
  const client = clientAt(consul.address);
  await client.put("a b/ü?#%", "1");
  expect((await client.kvPrefix("a b/", now())).value.map(({ key }) => key)).toEqual(["a b/ü?#%"]);
  expect((await client.kvKey("a b/ü?#%", now())).value?.value.toString()).toBe("1");
});

test("an abort ends a blocking query", async () => {
  await using server = await replies();
  const end = new AbortController();
  const question = clientAt(server.address).kvKey("x", { index: 5n, waitMs: 60_000, signal: end.signal });
  await until("the question", () => server.asked.length === 1);
  end.abort();
  await expect(question).rejects.toMatchObject({ name: "AbortError" });
});

test.each(["/consul", "/consul/"])(
  "sends requests below the path of the address, if it has one: %s",
  async (path) => {
    const none = { status: 200, body: "[]" };
    await using server = await replies(none, none);
    const address = `${server.address}${path}`;
    await clientAt(address).instances("redis", now());
    await askConsul({ address, sslVerify: true }, "GET", "/v1/agent/members");
    expect(server.asked.map((url) => url.replace(/\?.*/, ""))).toEqual([
      "/consul/v1/health/service/redis",
      "/consul/v1/agent/members",
    ]);
  },
);

test("an answer that is not Consul's is an error that says so, without the token", async () => {
  const token = new Secret("b1gs3cr3t-b1gs3cr3t");
  await using server = await replies(
    { status: 200, body: "<html>" },
    { status: 200, body: JSON.stringify([{ Unknown: 1 }]) },
  );
  const client = clientAt(server.address, { token });
  for (const _ of [1, 2]) {
    const error: unknown = await client.kvKey("x", now()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConsulError);
    expect(error).toMatchObject({ kind: "bug" });
    expect(`${error instanceof Error ? error.stack : ""}${JSON.stringify(error)}`).not.toContain("b1gs3cr3t");
  }
});
