import { chown } from "node:fs/promises";
import { CONNECTION, makeMember, type PatroniNode, psql } from "./patroni-node.ts";
import { postgresOwner } from "./postgres.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export type { PatroniNode } from "./patroni-node.ts";

/** What the cluster needs of the Consul that it lives by. */
interface Consul {
  readonly address: string;
  readonly token: string | undefined;
  get(key: string): Promise<string | undefined>;
  request(method: string, path: string): Promise<unknown>;
}

export interface PatroniOptions {
  readonly consul: Consul;
  readonly scope?: string;
  readonly namespace?: string;
  /** Names of members; the first one becomes the leader. */
  readonly nodes?: readonly string[];
  /** How often Consul asks each member for its role; Patroni's own default is 5 s. */
  readonly checkIntervalMs?: number;
}

/** A real Patroni cluster whose members register themselves in Consul's catalogue under the scope's name. */
export interface PatroniCluster extends AsyncDisposable {
  readonly scope: string;
  readonly namespace: string;
  /** The name under which Patroni registers its members. */
  readonly service: string;
  /** Of the user who owns the database; the same on every node. */
  readonly connection: { readonly user: string; readonly password: string; readonly database: string };
  readonly nodes: readonly PatroniNode[];
  node(name: string): PatroniNode;
  /** The member that the leader key names; undefined while there is none. */
  leader(): Promise<string | undefined>;
  /** Asks for a change of roles and returns once the leader key names that member. */
  switchover(to: string): Promise<void>;
}

const START_DEADLINE_MS = 60_000;

/** Returns once the replicas follow the first member, and all are in the catalogue with passing checks. */
export async function startPatroni(options: PatroniOptions): Promise<PatroniCluster> {
  const { consul, scope = "postgresql", namespace = "service", nodes: names = ["pg1", "pg2"] } = options;
  const { checkIntervalMs = 1_000 } = options;
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("patroni"));
  const owner = postgresOwner();
  if (owner !== undefined) await chown(folder.path, owner.uid, owner.gid);
  const members = await Promise.all(
    names.map((name) =>
      makeMember({ consul, scope, namespace, name, folder: folder.file(name), checkIntervalMs }),
    ),
  );
  for (const member of members) starting.defer(() => member.end());

  const service = serviceOf(scope);
  const key = (name: string) => `${namespace}/${scope}/${name}`;
  const leader = () => consul.get(key("leader"));
  const node = (name: string) => {
    const found = members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`the cluster has no member ${name}, only ${names.join(", ")}`);
    return found;
  };
  const [first, ...others] = members;
  if (first === undefined) throw new Error("a cluster has at least one member");
  const bootstrapped = first.start().then(() => createDatabase(first));
  // Whoever writes this key first makes the database; the others copy it.
  await Promise.race([
    bootstrapped,
    until("the first member to begin", () => hasKey(consul, key("initialize"))),
  ]);
  await Promise.all([bootstrapped, ...others.map((member) => member.start())]);
  await until("the replicas to follow", () => areFollowing(first, others.length), START_DEADLINE_MS);
  await until("the members in the catalogue", () => allPassing(consul, service, members), START_DEADLINE_MS);

  const release = starting.move();
  return {
    scope,
    namespace,
    service,
    connection: CONNECTION,
    nodes: members,
    node,
    leader,
    switchover: async (to) => {
      const from = await until("a leader", leader);
      await switchOver(node(from), to);
      await until(`${to} to have the leader key`, async () => (await leader()) === to, START_DEADLINE_MS);
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

async function createDatabase(member: PatroniNode): Promise<void> {
  const { user, password, database } = CONNECTION;
  await until("the leader to be writable", () =>
    asSuperuser(member, `create role ${user} login password '${password}'`),
  );
  await asSuperuser(member, `create database ${database} owner ${user}`);
}

async function areFollowing(leader: PatroniNode, count: number): Promise<boolean> {
  const statement = "select count(*) from pg_stat_replication where state = 'streaming'";
  return (await asSuperuser(leader, statement)) === String(count);
}

function asSuperuser(member: PatroniNode, statement: string): Promise<string> {
  return psql(member, "postgres", "postgres", statement);
}

/** As Patroni makes a name for DNS of a scope. */
function serviceOf(scope: string): string {
  return scope.toLowerCase().replaceAll(/[._ ]/g, "-");
}

async function hasKey(consul: Consul, key: string): Promise<boolean> {
  return (await consul.get(key)) !== undefined;
}

async function allPassing(
  consul: Consul,
  service: string,
  members: readonly PatroniNode[],
): Promise<boolean> {
  const answer = await consul.request("GET", `/v1/health/service/${service}?passing`);
  return Array.isArray(answer) && answer.length === members.length;
}

async function switchOver(from: PatroniNode, candidate: string): Promise<void> {
  await until(`a switchover from ${from.name} to ${candidate}`, async () => {
    const body = JSON.stringify({ leader: from.name, candidate });
    const response = await fetch(`http://${from.host}:${from.restPort}/switchover`, { method: "POST", body });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return true;
  });
}
