import { type Complaining, problemOf } from "../report/problems.ts";

/** What one look at the local client found. */
export type Look =
  | { readonly kind: "unreachable"; readonly reason: string }
  | { readonly kind: "denied"; readonly reason: string }
  | {
      readonly kind: "answered";
      readonly leader: string | undefined;
      /** Alive, servers and clients, this node among them. */
      readonly members: number;
      /** Alive. */
      readonly servers: number;
      readonly lostServers: readonly string[];
      /** Members whose entries are not understood, each with the reason. */
      readonly misread: readonly string[];
    };

/** What the client's log has said and still counts. */
export interface Heard {
  readonly hasWrongKey: boolean;
  /** Reasons by server. */
  readonly unreachable: ReadonlyMap<string, string>;
  readonly conflictWith: string | undefined;
  /** Why the client may not register this node or its services. */
  readonly denial: string | undefined;
}

export interface Situation {
  readonly joined: boolean;
  readonly servers: string;
  /** It has only just started: only what the log said counts. */
  readonly isPatient: boolean;
}

/** The one thing that keeps this node out of the cluster or the catalogue, and a name conflict, which also happens inside. */
export function problemsOf(look: Look, heard: Heard, situation: Situation): readonly Complaining[] {
  const cause = situation.joined ? unregistered(heard) : causeOf(look, heard, situation);
  return [cause, conflict(heard)].filter((problem) => problem !== undefined);
}

function causeOf(look: Look, heard: Heard, { servers, isPatient }: Situation): Complaining | undefined {
  if (look.kind === "denied" || isHidden(look)) return denied(look);
  if (look.kind === "unreachable") return isPatient ? undefined : unreachable(look.reason);
  if (heard.hasWrongKey) return wrongKey();
  if (heard.unreachable.size > 0) return serversUnreachable(heard.unreachable, servers);
  if (isPatient || heard.conflictWith !== undefined) return undefined;
  return look.servers > 0 ? leaderless() : notJoined(look.lostServers, servers);
}

/** The token may not see the members. */
export function isDenied(look: Look): boolean {
  return look.kind === "denied" || isHidden(look);
}

/** Every client is a member itself, so an empty list means that the token may not see it. */
function isHidden(look: Look): boolean {
  return look.kind === "answered" && look.members === 0;
}

function denied(look: Look): Complaining {
  return problemOf("consul_denied", {
    where: "Consul's list of members",
    what: look.kind === "denied" ? look.reason : "the token may not see it",
    cure: GRANT,
  });
}

function unregistered({ denial }: Heard): Complaining | undefined {
  if (denial === undefined) return undefined;
  const what = `the Consul client may not register this node or its services (${denial})`;
  return problemOf("consul_denied", { where: "ACL token", what, cure: GRANT });
}

const GRANT =
  "Check CONSUL_HTTP_TOKEN, and give that token the policy and the node identity of packaging/consul-policy.hcl.";

function unreachable(reason: string): Complaining {
  return problemOf("consul_unreachable", {
    where: "local Consul client",
    what: `it does not answer: ${reason}`,
    cure: "Start it, or correct CONSUL_HTTP_ADDR.",
  });
}

function wrongKey(): Complaining {
  return problemOf("consul_wrong_gossip_key", {
    where: "GOSSIPKEY",
    what: "the servers use another gossip key, so this node cannot join",
    cure: 'Set it to the key of the cluster (`consul keyring -list` on a server). A client that has run before also prefers the keys in serf/local.keyring in its data directory: see "Gossip key" in docs/consul.md.',
  });
}

function conflict({ conflictWith }: Heard): Complaining | undefined {
  if (conflictWith === undefined) return undefined;
  return problemOf("consul_name_conflict", {
    where: "NODENAME",
    what: `another node, ${conflictWith}, has the same name`,
    cure: "Give one of them another name and restart its Consul client. If that other node is gone for good, remove it with `consul force-leave`.",
  });
}

const SHOWN_SERVERS = 5;

function serversUnreachable(reasons: ReadonlyMap<string, string>, servers: string): Complaining {
  const shown = [...reasons].slice(0, SHOWN_SERVERS).map(([server, reason]) => `${server}: ${reason}`);
  return problemOf("consul_servers_unreachable", {
    where: `CONSULSERVERS (${servers})`,
    what: `no server could be joined (${shown.join("; ")})`,
    cure: "Check the addresses and DATACENTER, that the servers are running, and that TCP and UDP 8301 and TCP 8300 are open between them and this node.",
  });
}

function leaderless(): Complaining {
  return problemOf("consul_no_leader", {
    where: "Consul servers",
    what: "they can be reached but have no leader",
    cure: "Run `consul operator raft list-peers` on a server: more than half of the servers must be alive.",
  });
}

function notJoined(lost: readonly string[], servers: string): Complaining {
  const what = lost.length > 0 ? `every known server is lost (${lost.join(", ")})` : "no server is known";
  return problemOf("consul_not_joined", {
    where: `CONSULSERVERS (${servers})`,
    what: `this node is not part of the cluster: ${what}`,
    cure: "Likely causes: the servers are down, the list is wrong, a firewall (TCP and UDP 8301, TCP 8300), another GOSSIPKEY or DATACENTER. The Consul client's log says which.",
  });
}
