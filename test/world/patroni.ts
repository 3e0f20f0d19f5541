import { chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dataFolder, type PatroniConfiguration, patroniConfiguration } from "./patroni-configuration.ts";
import { freePorts, loopbackAddress } from "./ports.ts";
import { postgresOwner } from "./postgres.ts";
import { killNow, postmasterOf } from "./postmaster.ts";
import { program } from "./programs.ts";
import { type Running, run, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

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

export interface PatroniNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly restPort: number;
  /** One statement through psql as the database's owner, its rows as unadorned text. */
  query(statement: string): Promise<string>;
  /** SIGKILL for Patroni and its Postgres: the machine is gone. */
  killHard(): Promise<void>;
  /** SIGTERM: Patroni stops its Postgres and gives the leader key away. */
  stop(): Promise<void>;
  /** Starts it again with the data that it had; returns once its Postgres runs. */
  start(): Promise<void>;
  /** What Patroni and Postgres printed since the last start. */
  output(): string;
}

const CONNECTION = {
  user: "mastodon",
  password: "not a real password",
  database: "mastodon_production",
} as const;
const START_DEADLINE_MS = 60_000;

/** Returns once the replicas follow the first member, and all are in the catalogue with passing checks. */
export async function startPatroni(options: PatroniOptions): Promise<PatroniCluster> {
  const { consul, scope = "postgresql", namespace = "service", nodes: names = ["pg1", "pg2"] } = options;
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("patroni"));
  const owner = postgresOwner();
  if (owner !== undefined) await chown(folder.path, owner.uid, owner.gid);
  const members = await Promise.all(
    names.map((name) => makeMember({ consul, scope, namespace, name, folder: folder.file(name) })),
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

interface Member extends PatroniNode {
  /** By the quickest way that leaves nothing behind. */
  end(): Promise<void>;
}

type MemberOptions = Pick<PatroniConfiguration, "consul" | "scope" | "namespace" | "name" | "folder">;

async function makeMember(options: MemberOptions): Promise<Member> {
  const { name, folder } = options;
  const owner = postgresOwner();
  const host = await loopbackAddress();
  const [port = 0, restPort = 0] = await freePorts(2, host);
  const configuration = { ...options, host, port, restPort, password: CONNECTION.password };
  const file = join(folder, "patroni.json");
  await mkdir(folder);
  await writeFile(file, JSON.stringify(patroniConfiguration(configuration)), { mode: 0o600 });
  if (owner !== undefined) await Promise.all([folder, file].map((path) => chown(path, owner.uid, owner.gid)));

  const data = dataFolder(folder);
  const postmaster = postmasterOf(data);
  const killAtExit = () => killNow(data);
  const isUp = async () => (await fetch(`http://${host}:${restPort}/health`)).ok;
  let running: Running | undefined;
  const killPatroni = async () => {
    running?.signal("SIGKILL");
    await running?.exited;
  };
  process.once("exit", killAtExit);
  return {
    name,
    host,
    port,
    restPort,
    query: async (statement) => psql({ host, port }, CONNECTION.user, CONNECTION.database, statement),
    killHard: async () => {
      await killPatroni();
      await postmaster.kill();
    },
    stop: async () => void (await running?.stop()),
    start: async () => {
      running = await start(program("patroni"), [file], {
        env: { HOME: folder, LC_ALL: "C" },
        cwd: "/",
        stopDeadlineMs: 30_000,
        ...owner,
      });
      await whileRunning(`patroni ${name}`, running, until(`${name} to run`, isUp, START_DEADLINE_MS));
    },
    output: () => running?.output() ?? "",
    end: async () => {
      await killPatroni();
      await postmaster.stop();
      process.off("exit", killAtExit);
    },
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

async function psql(
  { host, port }: Pick<PatroniNode, "host" | "port">,
  user: string,
  database: string,
  statement: string,
): Promise<string> {
  const tool = join(dirname(program("postgres")), "psql");
  const argv = ["-h", host, "-p", String(port), "-U", user, "-d", database, "-XAtc", statement];
  return (await run(tool, argv, { env: { LC_ALL: "C", PGPASSWORD: CONNECTION.password } })).trimEnd();
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
