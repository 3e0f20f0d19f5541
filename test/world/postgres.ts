import { spawnSync } from "node:child_process";
import { chown, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { freePort } from "./ports.ts";
import { program } from "./programs.ts";
import { type Running, run, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export interface PostgresServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The directory of its unix socket, if it has one. */
  readonly socketDirectory: string;
  /** One statement through psql, its rows as unadorned text. */
  query(statement: string): Promise<string>;
  stop(): Promise<void>;
  /** Starts it again where it was, with its data. */
  start(): Promise<void>;
}

export interface PostgresOptions {
  readonly host?: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** Listens at a unix socket too. */
  readonly hasSocket?: boolean;
}

/** A real Postgres with an empty database and a user who owns it and must give the password. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("postgres"));
  const { host = "127.0.0.1", user = "mastodon", database = "mastodon_production" } = options;
  const password = options.password ?? "not a real password";
  const port = await freePort(host);
  const owner = postgresOwner();
  const data = folder.file("data");
  const env = { LC_ALL: "C", PGPASSWORD: password };
  const client = ["-h", host, "-p", String(port), "-U", user];
  const tool = (name: string) => join(dirname(program("postgres")), name);
  const psql = (name: string, statement: string) =>
    run(tool("psql"), [...client, "-d", name, "-XAtc", statement], { env });

  await writeFile(folder.file("password"), password);
  if (owner !== undefined) {
    await chown(folder.path, owner.uid, owner.gid);
    await chown(folder.file("password"), owner.uid, owner.gid);
  }
  const superuser = ["-U", user, "-A", "scram-sha-256", "--pwfile", folder.file("password")];
  const [initdb = "", ...initdbArgv] = asOwner(
    owner,
    program("initdb"),
    "-D",
    data,
    "--no-sync",
    "-E",
    "UTF8",
  );
  await run(initdb, [...initdbArgv, ...superuser], { env, cwd: "/" });

  const boot = async (): Promise<Running> => {
    const where = [
      `listen_addresses=${host}`,
      `port=${port}`,
      `unix_socket_directories=${options.hasSocket ? folder.path : ""}`,
    ];
    // The compiler is not among what the demo unpacks.
    const settings = [...where, "fsync=off", "jit=off"].flatMap((setting) => ["-c", setting]);
    const [postgres = "", ...argv] = asOwner(owner, program("postgres"), "-D", data, ...settings);
    // SIGINT: a fast shutdown, which does not wait for clients to leave.
    const running = await start(postgres, argv, { env, cwd: "/", stopSignal: "SIGINT" });
    await whileRunning(
      "postgres",
      running,
      until("Postgres to answer", () => psql("postgres", "select 1")),
    );
    return running;
  };
  let running = await boot();
  starting.defer(async () => void (await running.stop()));
  await psql("postgres", `create database "${database}"`);
  const release = starting.move();
  return {
    host,
    port,
    user,
    password,
    database,
    socketDirectory: folder.path,
    query: async (statement) => (await psql(database, statement)).trimEnd(),
    stop: async () => void (await running.stop()),
    start: async () => {
      running = await boot();
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY: Owner = { uid: 65_534, gid: 65_534 };

/** Postgres refuses to run as root: then as the user whom its package made, or nobody where it is not installed. */
export function postgresOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => spawnSync("id", [flag, "postgres"], { encoding: "utf8" });
  if (id("-u").status !== 0) return NOBODY;
  return { uid: Number(id("-u").stdout), gid: Number(id("-g").stdout) };
}

/** The checkout may be in a folder that only root may enter, such as its home: this one right of root's is kept. */
const ENTERS_EVERYWHERE = [
  "--inh-caps=+dac_override",
  "--ambient-caps=+dac_override",
  // access(2), by which Postgres looks for its programs, would not count it.
  "--securebits=+no_setuid_fixup",
];

function asOwner(owner: Owner | undefined, ...argv: readonly string[]): readonly string[] {
  if (owner === undefined) return argv;
  const user = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  return ["setpriv", ...user, ...ENTERS_EVERYWHERE, ...argv];
}
