import { chown } from "node:fs/promises";
import { dirname, join } from "node:path";
import { freePort } from "./ports.ts";
import { type PostgresServer, postgresOwner } from "./postgres.ts";
import { program } from "./programs.ts";
import { type Running, run, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

/** A streaming replica: the primary's users and data, read-only until it is promoted. */
export interface PostgresReplica extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  query(statement: string): Promise<string>;
  /** Returns once it accepts writes. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

export interface ReplicaOptions {
  /** `closed`: it follows the primary and lets nobody in, as a Postgres that is still starting up. */
  readonly standby?: "hot" | "closed";
}

/** Copies a running primary and follows it. */
export async function startReplica(
  primary: PostgresServer,
  { standby = "hot" }: ReplicaOptions = {},
): Promise<PostgresReplica> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("postgres-replica"));
  const { host, user, database } = primary;
  const port = await freePort(host);
  const owner = postgresOwner();
  const data = folder.file("data");
  const options = { env: { LC_ALL: "C", PGPASSWORD: primary.password }, cwd: "/", ...owner };
  const tool = (name: string) => join(dirname(program("postgres")), name);
  const client = ["-h", host, "-p", String(port), "-U", user];
  const query = async (statement: string) =>
    (await run(tool("psql"), [...client, "-d", database, "-XAtc", statement], options)).trimEnd();

  if (owner !== undefined) await chown(folder.path, owner.uid, owner.gid);
  const source = ["-h", host, "-p", String(primary.port), "-U", user];
  await run(tool("pg_basebackup"), [...source, "-D", data, "-R", "-c", "fast", "--no-sync"], options);
  const settings = [
    `listen_addresses=${host}`,
    `port=${port}`,
    "unix_socket_directories=",
    "fsync=off",
    `hot_standby=${standby === "hot" ? "on" : "off"}`,
  ];
  const argv = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  // SIGINT: a fast shutdown, which does not wait for clients to leave.
  const running: Running = await start(program("postgres"), argv, { ...options, stopSignal: "SIGINT" });
  starting.defer(async () => void (await running.stop()));
  const isReady = async () =>
    standby === "hot"
      ? (await query("select 1")) === "1"
      : running.output().includes("started streaming WAL");
  await whileRunning("the replica", running, until("the replica to follow", isReady));
  const release = starting.move();
  return {
    host,
    port,
    query,
    promote: async () => void (await query("select pg_promote()")),
    stop: async () => void (await running.stop()),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
