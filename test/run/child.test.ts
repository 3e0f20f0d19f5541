import { readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { stopChild } from "../../src/consul/child.ts";
import { processOf } from "../../src/state/process.ts";
import { GOSSIP_KEY, HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { freePorts, loopbackAddress } from "../world/ports.ts";
import { program } from "../world/programs.ts";
import { until } from "../world/until.ts";

const OTHER_KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

test("starts a Consul client with the gossip key, which joins and lives on when the agent ends", async () => {
  await using consul = await startConsul({ gossipKey: GOSSIP_KEY });
  await using agent = await startAgentWithChild(consul, {});
  expect((await agent.converged()).consul).toEqual({ connected: true, joined: true, members: 2 });
  const clientFile = path.join(agent.folder, "consul.json");
  expect((await stat(clientFile)).mode & 0o777).toBe(0o600);
  const services = JSON.parse(await readFile(clientFile, "utf8")).services;
  expect(services.map(({ name, tags }: { name: string; tags: string[] }) => [name, tags])).toEqual([
    ["node-exporter", ["_app=mastodon", "_service=node-exporter", "_hostname=jail1"]],
    ["mastodon", ["_app=mastodon", "_service=mastodon", "_hostname=jail1"]],
  ]);

  const pid = await clientPid(agent);
  expect((await agent.stop()).code).toBe(0);
  expect(await memberStatus(consul), "still a member").toBe(1);
  await agent.start();
  await agent.converged();
  expect(await clientPid(agent), "the same client").toBe(pid);
});

test("a first boot in which nothing is wrong has no problem in its log", async () => {
  await using consul = await startConsul({ gossipKey: GOSSIP_KEY });
  await using agent = await startAgentWithChild(consul, {});
  await agent.converged();
  expect(agent.output()).not.toContain('"msg":"problem"');
});

test("one problem says that the gossip key is wrong; a corrected key is used although the keyring has the old one", async () => {
  await using consul = await startConsul({ gossipKey: GOSSIP_KEY });
  await using agent = await startAgentWithChild(consul, { GOSSIPKEY: OTHER_KEY });
  const { problems } = await until("the problem", async () => {
    const status = await agent.status();
    return status.problems.length === 1 && status.problems[0]?.code === "consul_wrong_gossip_key" && status;
  });
  expect(problems[0]?.message).toMatch(/GOSSIPKEY.*another gossip key/);
  expect(agent.output()).not.toContain(OTHER_KEY);
  await agent.stop();
  await agent.start({ GOSSIPKEY: GOSSIP_KEY });
  expect((await agent.converged()).consul.joined).toBe(true);
  expect(agent.output()).toContain("moved aside a keyring with another gossip key");
});

test("runs with exactly the shipped policy against a Consul that denies by default", async () => {
  await using consul = await startConsul({ gossipKey: GOSSIP_KEY, acl: true });
  const policy = await readFile(
    path.join(import.meta.dirname, "..", "..", "packaging", "consul-policy.hcl"),
    "utf8",
  );
  const token = await tokenFor(consul, policy);
  await using agent = await startAgentWithChild(consul, { CONSUL_HTTP_TOKEN: token });
  const status = await agent.converged();
  expect(status.problems).toEqual([]);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
  await until("its services to be registered", async () =>
    JSON.stringify(await consul.request("GET", "/v1/catalog/service/mastodon")).includes("_hostname=jail1"),
  );
  expect(agent.output()).not.toContain(token);
});

test("with its state lost the agent is still the same node, whether its client runs on or not", async () => {
  await using consul = await startConsul({ gossipKey: GOSSIP_KEY });
  await using agent = await startAgentWithChild(consul, {});
  await agent.converged();
  const id = await nodeIdOf(consul);
  const first = Number(await clientPid(agent));
  const state = path.join(agent.folder, "state");

  await agent.stop();
  await rm(state, { recursive: true });
  await agent.start();
  expect((await agent.converged()).problems).toEqual([]);
  await until("one client instead of two", async () => (await processOf(first)) === undefined);
  expect((await agent.converged()).problems).toEqual([]);
  expect(await nodeIdOf(consul)).toBe(id);

  await agent.stop();
  await stopChild(state);
  await rm(state, { recursive: true });
  await agent.start();
  expect((await agent.converged()).problems).toEqual([]);
  expect(await nodeIdOf(consul)).toBe(id);
  expect(agent.output()).not.toContain("conflict");
});

async function startAgentWithChild(
  consul: ConsulServer,
  environment: Readonly<Record<string, string>>,
): Promise<TestAgent> {
  const address = await loopbackAddress();
  const [http = 0] = await freePorts(1, address);
  const agent = await startAgent({
    consul: { address: `http://${address}:${http}` },
    environment: { ...HOSTS, IP: address, CONSULSERVERS: consul.join, CONSUL_HTTP_ADDR: "", ...environment },
    config: (folder) => ({
      consul: {
        agent: "child",
        binary: program("consul"),
        address: `http://${address}:${http}`,
        data_dir: path.join(folder, "consul-data"),
        config_file: path.join(folder, "consul.json"),
      },
    }),
  });
  const dispose = async () => {
    // The client outlives its agent, and must go before the folder with its pidfile.
    await agent.stop();
    await stopChild(path.join(agent.folder, "state"));
    await agent[Symbol.asyncDispose]();
  };
  return { ...agent, [Symbol.asyncDispose]: dispose };
}

/** As docs/consul.md says: the policy, and the identity of the node. */
async function tokenFor(consul: ConsulServer, rules: string): Promise<string> {
  await consul.request("PUT", "/v1/acl/policy", { Name: "mastodon-agent", Rules: rules });
  const token = await consul.request("PUT", "/v1/acl/token", {
    Policies: [{ Name: "mastodon-agent" }],
    NodeIdentities: [{ NodeName: "jail1", Datacenter: "dc1" }],
  });
  return z.object({ SecretID: z.string() }).parse(token).SecretID;
}

async function clientPid(agent: TestAgent): Promise<string> {
  return (await readFile(path.join(agent.folder, "state", "consul.pid"), "utf8")).trim();
}

/** Serf's status of the agent's node as the server sees it: 1 is alive. */
async function memberStatus(consul: ConsulServer): Promise<unknown> {
  const members = await consul.request("GET", "/v1/agent/members");
  if (!Array.isArray(members)) return undefined;
  return members.find(({ Name }) => Name === "jail1")?.Status;
}

async function nodeIdOf(consul: ConsulServer): Promise<string> {
  const found = await consul.request("GET", "/v1/catalog/node/jail1");
  return z.object({ Node: z.object({ ID: z.string() }) }).parse(found).Node.ID;
}
