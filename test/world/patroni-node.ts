import { chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dataFolder, type PatroniConfiguration, patroniConfiguration } from "./patroni-configuration.ts";
import { freePorts, loopbackAddress } from "./ports.ts";
import { postgresOwner } from "./postgres.ts";
import { killNow, postmasterOf } from "./postmaster.ts";
import { program } from "./programs.ts";
import { type Running, run, start, whileRunning } from "./spawn.ts";
import { until } from "./until.ts";

/** A member of a Patroni cluster. */
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

export interface Member extends PatroniNode {
  /** By the quickest way that leaves nothing behind. */
  end(): Promise<void>;
}

export type MemberOptions = Omit<PatroniConfiguration, "host" | "port" | "restPort" | "password">;

/** Of the user who owns the database; the same password is the superuser's. */
export const CONNECTION = {
  user: "mastodon",
  password: "not a real password",
  database: "mastodon_production",
} as const;
const START_DEADLINE_MS = 60_000;

export async function makeMember(options: MemberOptions): Promise<Member> {
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
  // Patroni first, for it would start its Postgres again.
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
      await Promise.all([killPatroni(), postmaster.kill()]);
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
      await Promise.all([killPatroni(), postmaster.stop()]);
      process.off("exit", killAtExit);
    },
  };
}

/** One statement through psql, its rows as unadorned text. */
export async function psql(
  { host, port }: Pick<PatroniNode, "host" | "port">,
  user: string,
  database: string,
  statement: string,
): Promise<string> {
  const tool = join(dirname(program("postgres")), "psql");
  const argv = ["-h", host, "-p", String(port), "-U", user, "-d", database, "-XAtc", statement];
  return (await run(tool, argv, { env: { LC_ALL: "C", PGPASSWORD: CONNECTION.password } })).trimEnd();
}
