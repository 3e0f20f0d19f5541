import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { Secret } from "../../src/base/secret.ts";
import { JoinWatch } from "../../src/consul/join.ts";
import { createPinStore } from "../../src/consul/pins.ts";
import { completeInput, renderShipped } from "../render/world.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { consulHttp } from "../world/consul-http.ts";
import { checkout } from "../world/programs.ts";
import { until } from "../world/until.ts";
import { clientAt, now } from "./fixtures/connection.ts";
import { heardLog } from "./fixtures/log.ts";
import { makeNode, type Node, supervise } from "./fixtures/node.ts";

const gossipKey = Buffer.alloc(32, 1).toString("base64");
const NAME = "mastodon-1";
let server: ConsulServer;
let token: Secret;

beforeAll(async () => {
  server = await startConsul({ acl: true, gossipKey });
  const rules = await readFile(join(checkout(), "packaging", "consul-policy.hcl"), "utf8");
  await server.request("PUT", "/v1/acl/policy", { Name: "mastodon-agent", Rules: rules });
  token = await makeToken();
});
afterAll(() => server[Symbol.asyncDispose]());

test("with the shipped policy the agent's client joins and registers its node and its services", async () => {
  await using node = await makeNode({ gossipKey, join: server.join, name: NAME });
  await writeFile(node.configFile, await shippedConfiguration(node, token));
  await using client = supervise(node);
  const watch = watchOf(node.address, token);
  const end = new AbortController();
  const watching = watch.run(end.signal);
  await until("joined", () => watch.state.joined);
  end.abort();
  await watching;
  expect(watch.state).toEqual({ connected: true, joined: true, members: 2, problems: [] });
  for (const service of ["mastodon", "node-exporter"]) {
    const registered = () => server.request("GET", `/v1/catalog/service/${service}`);
    await until(service, async () => JSON.stringify(await registered()).includes(`"Node":"${NAME}"`));
  }
  expect(client.heard.filter((line) => line.includes("Permission denied"))).toEqual([]);
});

test("with the shipped policy every call that the agent makes is allowed", async () => {
  await server.put("mastodon/settings/MAILHOST", "smtp.example.org");
  await server.register({ id: "redis-1", service: "redis", port: 6379 });
  const client = clientAt(server.address, { token });
  expect((await client.kvPrefix("mastodon/", now())).value).toHaveLength(1);
  expect((await client.kvPrefix("mastodon/empty/", now())).value).toEqual([]);
  expect((await client.kvKey("mastodon/settings/MAILHOST", now())).value?.value.toString()).toBe(
    "smtp.example.org",
  );
  expect((await client.instances("redis", now())).value).toHaveLength(1);
  expect(await client.leader()).toContain(server.host);
  expect((await client.members()).filter(({ isServer }) => isServer)).toHaveLength(1);
  const pins = createPinStore(client, "example.org");
  expect(await pins.create("secret.key", "aaaa")).toBe(true);
  await pins.replace("secret.key", "bbbb");
  expect(await pins.read()).toEqual(new Map([["secret.key", "bbbb"]]));
  await client.put("mastodon-agent/example.org/status/mastodon-1", "{}");
  for (const name of ["mastodon-agent", "mastodon-web", "mastodon-sidekiq", "mastodon-streaming"]) {
    const service = { id: name, name, address: "127.0.0.1", port: 1, tags: [], meta: {} };
    await client.register(service, [{ id: `${name}:ttl`, name: "state", notes: "", ttlMs: 60_000 }]);
    await client.tell(`${name}:ttl`, "passing", "healthy");
    expect((await client.localServices()).map(({ id }) => id)).toContain(name);
    expect((await client.localChecks()).find(({ service: id }) => id === name)?.output).toBe("healthy");
    await client.deregister(name);
  }
});

test("with the shipped policy the agent cannot change settings, nor anything else", async () => {
  const client = clientAt(server.address, { token });
  await expect(client.put("mastodon/settings/MAILHOST", "x")).rejects.toMatchObject({ kind: "denied" });
  await expect(client.put("elsewhere", "x")).rejects.toMatchObject({ kind: "denied" });
  const service = { id: "other", name: "other", address: "", port: 1, tags: [], meta: {} };
  await expect(client.register(service, [])).rejects.toMatchObject({ kind: "denied" });
  await expect(client.kvPrefix("elsewhere/", now())).rejects.toMatchObject({ kind: "denied" });
});

test("the client accepts the tokens that the servers would, and lists its members even if no server can be asked", async () => {
  await using node = await makeNode({ gossipKey, join: server.join, name: NAME });
  await writeFile(node.configFile, await shippedConfiguration(node, token));
  await using _client = supervise(node);
  const client = clientAt(node.address, { token });
  const strange = await server.createToken("");
  const stranger = clientAt(node.address, { token: new Secret(strange) });
  const service = { id: "mastodon-web", name: "mastodon-web", address: "", port: 1, tags: [], meta: {} };
  await until("joined", async () => (await client.leader()) !== undefined);
  await client.register(service, []);
  // A token that the client could not resolve yet would be denied for that reason alone.
  await until("the client to know the token", async () => {
    const self = { headers: { "X-Consul-Token": strange } };
    return (await fetch(`${node.address}/v1/acl/token/self`, self)).ok;
  });
  for (const other of [service, { ...service, id: "other", name: "other" }]) {
    await expect(stranger.register(other, [])).rejects.toMatchObject({ kind: "denied" });
  }

  await using alone = await makeNode({ gossipKey, join: "127.0.0.1:1", name: "mastodon-2" });
  await writeFile(alone.configFile, await shippedConfiguration(alone, token, "127.0.0.1:1"));
  await using _lonely = supervise(alone);
  const members = await until("an answer", () => clientAt(alone.address, { token }).members());
  expect(members.map(({ name }) => name)).toEqual(["mastodon-2"]);
});

test("a token that may do nothing may register nothing at the client, however long the client has been up", async () => {
  // The servers keep a name for the node that had it last.
  const name = "mastodon-3";
  const own = await makeToken(name);
  await using node = await makeNode({ gossipKey, join: server.join, name });
  await writeFile(node.configFile, await shippedConfiguration(node, own));
  await using _client = supervise(node);
  const mine = clientAt(node.address, { token: own });
  const service = { id: "mastodon-web", name: "mastodon-web", address: "", port: 1, tags: [], meta: {} };
  const inCatalogue = async (id: string) => {
    const found = await server.request("GET", `/v1/catalog/service/${id}`);
    return JSON.stringify(found).includes(`"Node":"${name}"`);
  };
  await until("joined", async () => (await mine.leader()) !== undefined);
  // While the client cannot resolve a token yet, it refuses everybody; so it must have let the right one in first.
  await until("a registration", () => mine.register(service, []).then(() => true));
  await until("the catalogue", () => inCatalogue("mastodon-web"));
  await until("the client to judge tokens by itself", () => judgesTokens(name));
  const itself = await consulHttp(node.address, server.token).request("GET", "/v1/agent/self");
  expect(JSON.stringify(itself)).toContain('"ACLDefaultPolicy":"deny"');
  for (const rules of [
    "",
    'key_prefix "" { policy = "read" }',
    'service "mastodon-web" { policy = "read" }',
  ]) {
    const stranger = clientAt(node.address, { token: new Secret(await server.createToken(rules)) });
    for (const id of ["mastodon-web", "anything-else"])
      await expect(stranger.register({ ...service, id, name: id }, [])).rejects.toMatchObject({
        kind: "denied",
      });
    await expect(stranger.deregister("mastodon-web")).rejects.toMatchObject({ kind: "denied" });
    expect(await stranger.localServices(), "what it may not read").toEqual(
      rules.includes("service") ? [expect.objectContaining({ id: "mastodon-web" })] : [],
    );
  }
});

test("without the node identity it is one problem that the client may not register", async () => {
  await using node = await makeNode({ gossipKey, join: server.join });
  const rules = await readFile(join(checkout(), "packaging", "consul-policy.hcl"), "utf8");
  const less = new Secret(await server.createToken(rules));
  await writeFile(node.configFile, await shippedConfiguration(node, less));
  const watch = watchOf(node.address, less);
  await using _client = supervise(node, { hear: (line) => watch.hear(line) });
  const end = new AbortController();
  const watching = watch.run(end.signal);
  await until("the denial", () => watch.state.problems.some(({ code }) => code === "consul_denied"), 50_000);
  end.abort();
  await watching;
  expect(watch.state).toMatchObject({ connected: true, joined: true });
  expect(watch.state.problems).toHaveLength(1);
  expect(watch.state.problems[0]?.message).toMatch(/blocked by ACLs.*node identity/);
});

/** Before Consul 1.11 a client begins in the mode of before 1.4, in which the servers decide for it, and says so by a tag. */
async function judgesTokens(name: string): Promise<boolean> {
  const members = z
    .array(z.object({ Name: z.string(), Tags: z.record(z.string(), z.string()) }))
    .parse(await server.request("GET", "/v1/agent/members"));
  return members.some((member) => member.Name === name && member.Tags["acls"] !== "2");
}

function watchOf(address: string, secret: Secret): JoinWatch {
  const client = clientAt(address, { token: secret });
  return new JoinWatch({ client, servers: server.join, onChange: () => {}, log: heardLog().log });
}

async function makeToken(node = NAME): Promise<Secret> {
  const answer = await server.request("PUT", "/v1/acl/token", {
    Policies: [{ Name: "mastodon-agent" }],
    NodeIdentities: [{ NodeName: node, Datacenter: "dc1" }],
  });
  if (typeof answer !== "object" || answer === null || !("SecretID" in answer)) throw new Error("no token");
  return new Secret(String(answer.SecretID));
}

/** As it is shipped, on this node's address. */
function shippedConfiguration(
  { name, host, dataDir }: Node,
  secret: Secret,
  join = server.join,
): Promise<string> {
  const consul = {
    client_addr: host,
    http_port: "8500",
    check_host: host,
    node_id: undefined,
    site_port: "443",
    also: { mastodon: "yes", node_exporter: "yes" },
    data_dir: dataDir,
    servers: [join],
    token: secret,
  };
  const input = { IP: host, NODENAME: name, GOSSIPKEY: new Secret(gossipKey), consul };
  return renderShipped("consul.json.hbs", completeInput("/nowhere", input));
}
