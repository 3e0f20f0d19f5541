import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { JoinWatch, NOT_JOINED } from "../../src/consul/join.ts";
import { startConsul } from "../world/consul.ts";
import { freePort, loopbackAddress } from "../world/ports.ts";
import { until } from "../world/until.ts";
import { clientAt } from "./fixtures/connection.ts";
import { heardLog } from "./fixtures/log.ts";
import { makeNode, type Node, supervise } from "./fixtures/node.ts";
import { replies } from "./fixtures/replies.ts";

const gossipKey = Buffer.alloc(32, 1).toString("base64");
const otherKey = Buffer.alloc(32, 2).toString("base64");
const PACE = { joiningMs: 50, joinedMs: 50, graceMs: 4_000, repeatMs: 60_000 };

test("a node with the gossip key joins and has no problem", async () => {
  await using server = await startConsul({ gossipKey });
  await using node = await makeNode({ gossipKey, join: server.join });
  await using joining = join(node, server.join);
  await until("joined", () => joining.state().joined);
  await until("both members", () => joining.state().members === 2);
  expect(joining.state()).toEqual({ connected: true, joined: true, members: 2, problems: [] });
  expect(joining.logged()).toContain("joined the cluster");
});

test("a wrong gossip key is one problem that goes away when the key is right", async () => {
  await using server = await startConsul({ gossipKey });
  await using node = await makeNode({ gossipKey: otherKey, join: server.join });
  const wrong = join(node, server.join);
  await until("the problem", () => wrong.codes().length > 0);
  expect(wrong.codes()).toEqual(["consul_wrong_gossip_key"]);
  expect(wrong.messages()).toMatch(/^GOSSIPKEY: .*consul keyring -list.*local\.keyring/);
  expect(wrong.messages() + wrong.logged()).not.toMatch(new RegExp(`${otherKey}|${gossipKey}`));
  await wrong[Symbol.asyncDispose]();

  await node.configure({ gossipKey, join: server.join });
  await using right = join(node, server.join, gossipKey);
  await until("joined", () => right.state().joined);
  expect(right.codes()).toEqual([]);
});

test("servers that do not answer are one problem that names them and the reason", async () => {
  const nobody = await loopbackAddress();
  const servers = `${nobody}:${await freePort(nobody)}`;
  await using node = await makeNode({ gossipKey, join: servers });
  await using joining = join(node, servers);
  await until("the problem", () => joining.codes().length > 0);
  expect(joining.codes()).toEqual(["consul_servers_unreachable"]);
  expect(joining.messages()).toContain(`CONSULSERVERS (${servers})`);
  expect(joining.messages()).toContain("connection refused");
  expect(joining.state()).toMatchObject({ connected: true, joined: false, members: 1 });
});

test("a client whose log cannot be read is not joined, and the likely reasons are listed", async () => {
  const nobody = await loopbackAddress();
  await using node = await makeNode({ gossipKey, join: nobody });
  await using _client = supervise(node);
  await using joining = watchJoin(node.address, nobody);
  await until("the problem", () => joining.codes().includes("consul_not_joined"));
  expect(joining.messages()).toMatch(/firewall.*GOSSIPKEY/);
});

test("a datacenter other than the servers' is given as the reason", async () => {
  await using server = await startConsul({ gossipKey });
  await using node = await makeNode({
    gossipKey,
    join: server.join,
    configuration: { datacenter: "elsewhere" },
  });
  await using joining = join(node, server.join);
  await until("the problem", () => joining.codes().length > 0);
  expect(joining.codes()).toEqual(["consul_servers_unreachable"]);
  expect(joining.messages()).toMatch(/wrong datacenter.*DATACENTER/);
});

test("a name taken by another node is one problem that names the other, although the node joins", async () => {
  await using server = await startConsul({ gossipKey });
  await using other = await makeNode({ gossipKey, join: server.join, name: "twin" });
  await using first = join(other, server.join);
  await until("the first twin to join", () => first.state().joined);
  await until("the first twin in the catalogue", async () => {
    const nodes = await server.request("GET", "/v1/catalog/nodes");
    return JSON.stringify(nodes).includes("twin");
  });
  await using node = await makeNode({ gossipKey, join: server.join, name: "twin" });
  await using second = join(node, server.join);
  await until("the conflict", () => second.codes().includes("consul_name_conflict"));
  expect(second.codes()).toEqual(["consul_name_conflict"]);
  expect(second.messages()).toMatch(/^NODENAME: another node, /);
  expect(second.messages()).toContain(other.host);
});

test("a client that goes away is a problem, which ends when it is back", async () => {
  await using server = await startConsul();
  await using joining = watchJoin(server.address, server.join);
  await until("joined", () => joining.state().joined);
  await server.stop();
  await until("the problem", () => joining.codes().length > 0);
  expect(joining.codes()).toEqual(["consul_unreachable"]);
  expect(joining.state()).toMatchObject({ connected: false, joined: false });
  await server.start();
  await until("joined again", () => joining.state().joined);
  expect(joining.codes()).toEqual([]);
});

test("a token that may not see the members is a denial, not a cluster without servers", async () => {
  await using server = await startConsul({ acl: true });
  await using joining = watchJoin(server.address, server.join);
  await until("the problem", () => joining.codes().length > 0);
  expect(joining.codes()).toEqual(["consul_denied"]);
  expect(joining.messages()).toContain("consul-policy.hcl");
});

test("a member that is not understood is in the log, and hides no other", async () => {
  const server = { Name: "s1", Status: 1, Tags: { role: "consul" } };
  await using answers = await replies(
    { status: 200, body: JSON.stringify([{ Name: "odd", Status: "alive" }, server]) },
    { status: 200, body: '"127.0.0.1:8300"' },
  );
  await using joining = watchJoin(answers.address, "");
  await until("joined", () => joining.state().joined);
  expect(joining.state().members).toBe(1);
  expect(joining.logged()).toMatch(/entries for these members are not understood/);
  expect(joining.logged()).toMatch(/odd: Status: /);
});

test("nothing is known before the first answer", () => {
  const watch = new JoinWatch({
    client: clientAt("http://127.0.0.1:1"),
    servers: "",
    onChange: () => {},
    log: heardLog().log,
  });
  watch.hear("    * Failed to join 127.0.0.1: No installed keys could decrypt the message");
  expect(watch.state).toEqual(NOT_JOINED);
});

/** A client that is supervised and watched. */
function join(node: Node, servers: string, key = node.gossipKey.reveal()) {
  const joining = watchJoin(node.address, servers);
  const client = supervise(node, { hear: joining.hear, gossipKey: new Secret(key) });
  return {
    ...joining,
    [Symbol.asyncDispose]: async () => {
      await joining[Symbol.asyncDispose]();
      await client.stop();
    },
  };
}

function watchJoin(address: string, servers: string) {
  const end = new AbortController();
  const { log, text } = heardLog();
  const watch = new JoinWatch({ client: clientAt(address), servers, onChange: () => {}, log, pace: PACE });
  const running = watch.run(end.signal);
  return {
    state: () => watch.state,
    codes: () => watch.state.problems.map(({ code }) => code),
    messages: () => watch.state.problems.map(({ message }) => message).join("\n"),
    logged: text,
    hear: (line: string) => watch.hear(line),
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await running;
    },
  };
}
