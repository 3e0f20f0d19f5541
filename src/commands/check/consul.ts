/** The Consul client and the cluster that it is part of. */
import * as z from "zod";
import { Misconfigured, messageOf, Unavailable } from "../../base/errors.ts";
import { createConsulClient } from "../../consul/create-client.ts";
import { keyringHolds } from "../../consul/keyring.ts";
import { askConsul } from "../../consul/question.ts";
import type { Options } from "../../options.ts";
import type { Inspection, Warning } from "./inspection.ts";

export function consulInspections(options: Options): readonly Inspection[] {
  return [
    ["consul cluster", () => cluster(options)],
    ["consul leader", () => leader(options)],
    ...(options.config.consul.agent === "external"
      ? []
      : [["consul gossip key", () => gossipKey(options)] satisfies Inspection]),
  ];
}

const member = z.object({
  Name: z.string(),
  Status: z.number(),
  Tags: z.record(z.string(), z.string()).nullish(),
});

/** Serf's status 1 is alive; the tag `build` is `1.8.7:` and the revision, `role` of a server is `consul`. */
async function cluster({ connection, config, node }: Options): Promise<string | Warning> {
  const members = z.array(member).parse(await answered(connection, "/v1/agent/members"));
  const alive = members.filter(({ Status }) => Status === 1);
  const servers = alive.filter(({ Tags }) => Tags?.["role"] === "consul");
  const where = connection.address;
  if (servers.length === 0) {
    const cure = "See the Consul client's log; check CONSULSERVERS, DATACENTER, GOSSIPKEY and the firewall.";
    throw new Unavailable({ where, what: "its client has joined no server", cure });
  }
  const versions = [...new Set(alive.map(({ Tags }) => Tags?.["build"]?.replace(/:.*/, "") ?? "unknown"))];
  const text = `${alive.length} alive, ${servers.length} of them servers; Consul ${versions.join(", ")}`;
  const lost = members.filter(({ Status, Tags }) => Status !== 1 && Tags?.["role"] === "consul");
  if (lost.length > 0) {
    const cure = "Bring them back, or `consul force-leave` what is gone for good.";
    return { warning: { where, what: `${text}; lost: ${lost.map(({ Name }) => Name).join(", ")}`, cure } };
  }
  if (config.consul.agent === "external" || alive.some(({ Name }) => Name === node)) return text;
  const cure = "The client runs with another node_name: restart it with the rendered configuration.";
  return { warning: { where: "NODENAME", what: `no member is called ${node}`, cure } };
}

async function answered(connection: Options["connection"], path: string): Promise<unknown> {
  const { status, body } = await askConsul(connection, "GET", path).catch((error: unknown) => {
    throw unavailable(path, messageOf(error));
  });
  if (status !== 200) throw unavailable(path, `HTTP ${status}: ${body.trim().slice(0, 100)}`);
  return JSON.parse(body);
}

function unavailable(where: string, what: string): Unavailable {
  return new Unavailable({ where, what, cure: "Is the client well, and does the token have node:read?" });
}

async function leader({ connection }: Options): Promise<string> {
  const found = await createConsulClient(connection)
    .leader()
    .catch((error: unknown) => {
      throw unavailable("/v1/status/leader", messageOf(error));
    });
  if (found !== undefined) return found;
  throw new Unavailable({
    where: "Consul servers",
    what: "they have no leader",
    cure: "Look at `consul operator raft list-peers`: more than half of the servers must be alive.",
  });
}

/** What a client once wrote there takes precedence over its configuration. */
async function gossipKey({ config, gossipKey }: Options): Promise<string | Warning> {
  const where = `${config.consul.data_dir}/serf/local.keyring`;
  switch (await keyringHolds(config.consul.data_dir, gossipKey)) {
    case "yes":
      return "the client's keyring has GOSSIPKEY";
    case "none":
      return "there is no keyring yet: the client takes GOSSIPKEY";
    case "unreadable":
      return {
        warning: {
          where,
          what: "it may not be read, so it was not compared",
          cure: "Run this check as root.",
        },
      };
    case "no":
      throw new Misconfigured({
        where,
        what: "the client has other gossip keys than GOSSIPKEY, and prefers them",
        cure: 'See "Gossip key" in docs/consul.md: stop the client and move the keyring aside, or correct GOSSIPKEY.',
      });
  }
}
