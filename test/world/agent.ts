import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "dotenv";
import { stringify } from "yaml";
import * as z from "zod";
import { type Change, changeSchema } from "../../src/report/change.ts";
import { type Status, statusSchema } from "../../src/report/status.ts";
import type { ConsulServer } from "./consul.ts";
import { freePorts } from "./ports.ts";
import { type Exit, type Running, start } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export const GOSSIP_KEY = "pUqJrVyVRj5jsiYEkM/tFQ==";

/** What a jail was born with, complete but for the hosts of its dependencies. */
export const JAIL = {
  DATACENTER: "dc1",
  IP: "127.0.0.1",
  NODENAME: "jail1",
  CONSULSERVERS: "127.0.0.1",
  GOSSIPKEY: GOSSIP_KEY,
  DOMAIN: "social.example.org",
  EMAIL: "admin@example.org",
  MAILHOST: "smtp.example.org",
  MAILUSER: "mailuser",
  MAILPASS: "mail-secret-1",
  MAILFROM: "notifications@example.org",
  DBUSER: "mastodon",
  DBPASS: "db-secret-1",
  DBNAME: "mastodon_production",
  BUCKETUSER: "access-key",
  BUCKETPASS: "bucket-secret-1",
  BUCKETALIAS: "files.example.org",
  BUCKETREGION: "eu-central-1",
} as const;

/** Hosts for those dependencies that a test does not put into the catalogue. */
export const HOSTS = { DBHOST: "10.9.9.1", REDISHOST: "10.9.9.2", BUCKETHOST: "s3.example.org" } as const;

type Overrides = Readonly<Record<string, unknown>>;

export interface AgentOptions {
  readonly consul: Pick<ConsulServer, "address">;
  readonly environment?: Readonly<Record<string, string>>;
  /** Laid over a configuration that has three units which only write down that they were reloaded. */
  readonly config?: Overrides | ((folder: string) => Overrides);
  /** The program that is started, as users do; the sources where none is given. */
  readonly program?: string;
  /** Called with the agent's folder before the agent starts. */
  readonly prepare?: (folder: string) => Promise<unknown>;
  readonly logLevel?: string;
  /** More flags of `run`, by the agent's folder. */
  readonly flags?: (folder: string) => readonly string[];
}

/** A real agent, as a process, with everything that it writes in a folder of its own. */
export interface TestAgent extends AsyncDisposable {
  readonly folder: string;
  readonly configFile: string;
  readonly envFile: string;
  /** Where its HTTP answers. */
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly pid: () => number;
  /** `.env.production` as Node's dotenv reads it. */
  variables(): Promise<Readonly<Record<string, string>>>;
  /** Names of the units in the order in which they were reloaded. */
  reloads(): Promise<readonly string[]>;
  status(): Promise<Status>;
  /** What is on record, oldest first. */
  history(): Promise<readonly Change[]>;
  /** Waits until the status is as wanted. */
  converged(deadlineMs?: number): Promise<Status>;
  removeEnvFile(): Promise<void>;
  output(): string;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<Exit>;
  /** Starts it again, where given with other variables in its environment. */
  start(changes?: Readonly<Record<string, string>>): Promise<void>;
  exited(): Promise<Exit>;
}

export const AGENT = path.join(import.meta.dirname, "..", "..", "src", "cli.ts");

export async function startAgent(options: AgentOptions): Promise<TestAgent> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("agent"));
  const [httpPort = 0] = await freePorts(1);
  const environment = { ...JAIL, CONSUL_HTTP_ADDR: options.consul.address, ...options.environment };
  const configFile = folder.file("agent.yaml");
  const envFile = folder.file(".env.production");
  const reloadLog = folder.file("reloads.log");
  const overrides = typeof options.config === "function" ? options.config(folder.path) : options.config;
  await options.prepare?.(folder.path);
  await writeFile(reloadLog, "");
  await writeFile(
    configFile,
    stringify({ ...quickConfig(folder.path, envFile, reloadLog, httpPort), ...overrides }),
  );
  let running: Running;
  const boot = async (changes: Readonly<Record<string, string>> = {}) => {
    const argv = ["run", "--config", configFile, "--log-level", options.logLevel ?? "debug"];
    argv.push(...(options.flags?.(folder.path) ?? []));
    const onlyEnv = { PATH: process.env["PATH"] ?? "", ...environment, ...changes };
    const { program } = options;
    running = await (program === undefined
      ? start(process.execPath, [AGENT, ...argv], { onlyEnv })
      : start(program, argv, { onlyEnv }));
  };
  await boot();
  starting.defer(async () => void (await running.stop()));
  const release = starting.move();
  const status = async () =>
    statusSchema.parse(await (await fetch(`http://127.0.0.1:${httpPort}/status`)).json());
  return {
    folder: folder.path,
    configFile,
    envFile,
    url: `http://127.0.0.1:${httpPort}`,
    environment,
    pid: () => running.pid,
    variables: async () => parse(await readFile(envFile, "utf8")),
    reloads: async () => (await readFile(reloadLog, "utf8")).split("\n").filter((line) => line !== ""),
    status,
    history: async () =>
      z.array(changeSchema).parse(await (await fetch(`http://127.0.0.1:${httpPort}/history`)).json()),
    converged: (deadlineMs) =>
      until(
        "the agent to converge",
        async () => {
          if (!running.isRunning()) throw new Error(`the agent ended:\n${running.tail()}`);
          const seen = await status();
          if (seen.state !== "converged") throw new Error(`${seen.state}: ${seen.reason}`);
          return seen;
        },
        deadlineMs,
      ),
    removeEnvFile: () => rm(envFile, { force: true }),
    output: () => running.output(),
    signal: (signal) => running.signal(signal),
    stop: () => running.stop(),
    start: boot,
    exited: () => running.exited,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Endpoints that nobody listens on are good enough for most tests. */
export const UNPROBED = {
  postgres: { probe: false },
  redis: { probe: false },
  s3: { probe: false },
  smtp: { probe: false },
};

/** No settling, no distance between reloads: tests wait for what they want, not for time. */
function quickConfig(folder: string, envFile: string, reloadLog: string, httpPort: number): object {
  const units = ["sidekiq", "web", "streaming"].map((name) => [
    name,
    { reload: [{ run: ["sh", "-c", `echo ${name} >> ${reloadLog}`] }] },
  ]);
  return {
    profile: "none",
    paths: { keys: path.join(folder, "keys"), state: path.join(folder, "state"), mastodon: folder },
    keys: { require_mount: "" },
    dependencies: UNPROBED,
    files: { env: { template: "env.production.hbs", path: envFile, mode: "0640" } },
    units: Object.fromEntries(units),
    settle: { min: "0ms", max: "0ms" },
    reload: { min_interval: "0ms" },
    http: `127.0.0.1:${httpPort}`,
  };
}
