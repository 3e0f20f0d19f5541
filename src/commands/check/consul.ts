/** The Consul client and the cluster that it is part of. */
import { Misconfigured, messageOf, Unavailable } from "../../base/errors.ts";
import { createConsulClient } from "../../consul/create-client.ts";
import { keyringHolds } from "../../consul/keyring.ts";
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

async function cluster({ connection, config, node }: Options): Promise<string | Warning> {
  const members = await createConsulClient(connection)
    .members()
    .catch((error: unknown) => {
      throw unavailable("/v1/agent/members", messageOf(error));
    });
  const alive = members.filter(({ isAlive }) => isAlive);
  const servers = alive.filter(({ isServer }) => isServer);
  const where = connection.address;
  if (servers.length === 0) {
    const cure = "Read the Consul client's log; check CONSULSERVERS, DATACENTER, GOSSIPKEY and the firewall.";
    throw new Unavailable({ where, what: "its client has joined no server", cure });
  }
  const versions = [...new Set(alive.map(({ build }) => build ?? "unknown"))];
  const text = `${alive.length} alive, ${servers.length} of them servers; Consul ${versions.join(", ")}`;
  const lost = members.filter(({ isAlive, isServer }) => isServer && !isAlive);
  if (lost.length > 0) {
    const cure = "Bring them back, or run `consul force-leave` for those that are gone for good.";
    return { warning: { where, what: `${text}; lost: ${lost.map(({ name }) => name).join(", ")}`, cure } };
  }
  const misread = members.filter(({ fault }) => fault !== undefined);
  if (misread.length > 0) {
    const what = `${text}; not understood: ${misread.map(({ name, fault }) => `${name} (${fault})`).join(", ")}`;
    return { warning: { where, what, cure: `Check the output of \`curl ${where}/v1/agent/members\`.` } };
  }
  if (config.consul.agent === "external" || alive.some(({ name }) => name === node)) return text;
  const cure = "The client runs with another node_name: restart it with the rendered configuration.";
  return { warning: { where: "NODENAME", what: `no member is called ${node}`, cure } };
}

function unavailable(where: string, what: string): Unavailable {
  return new Unavailable({ where, what, cure: "Is the client healthy, and does the token have node:read?" });
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
    cure: "Run `consul operator raft list-peers`: more than half of the servers must be alive.",
  });
}

/** What a client once wrote there takes precedence over its configuration. */
async function gossipKey({ config, gossipKey }: Options): Promise<string | Warning> {
  const where = `${config.consul.data_dir}/serf/local.keyring`;
  switch (await keyringHolds(config.consul.data_dir, gossipKey)) {
    case "yes":
      return "the client's keyring has GOSSIPKEY";
    case "none":
      return "there is no keyring yet: the client uses GOSSIPKEY";
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
