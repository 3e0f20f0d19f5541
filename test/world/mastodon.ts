import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { freePorts } from "./ports.ts";
import { checkout, program } from "./programs.ts";
import { run } from "./spawn.ts";
import { until } from "./until.ts";

export const MASTODON_UNITS = ["web", "sidekiq", "streaming"] as const;
export type MastodonUnit = (typeof MASTODON_UNITS)[number];

export interface MastodonOptions {
  /** Mastodon's home, where `.env.production` is; what is in it stays. */
  readonly folder: string;
  /** Where the pidfiles are; `<folder>/run` where none is given. */
  readonly pidFolder?: string;
  readonly address?: string;
  /** How long the supervisor waits before it starts a program that ended again (`daemon -r`: a second). */
  readonly respawnMs?: number;
  /** A folder with Mastodon's own streaming server and its packages; without it a stand-in streams. */
  readonly streaming?: string;
}

/**
 * A small real Mastodon: puma with Ruby's dotenv, sidekiq, and a Node streaming server, each under a supervisor
 * that respawns it. Prepared, not started: that is the agent's business, or `start()`'s.
 */
export interface Mastodon extends AsyncDisposable {
  readonly folder: string;
  /** `.env.production` */
  readonly envFile: string;
  readonly webUrl: string;
  readonly streamingUrl: string;
  readonly healthUrls: { readonly web: string; readonly streaming: string };
  readonly pidfiles: Readonly<Record<MastodonUnit, string>>;
  /** What `service mastodon_web start` is in a jail. */
  serviceArgv(unit: MastodonUnit, verb: ServiceVerb): readonly string[];
  start(...units: readonly MastodonUnit[]): Promise<void>;
  stop(...units: readonly MastodonUnit[]): Promise<void>;
  /** The environment that the running program has, `.env.production` included; throws while it does not answer. */
  webEnv(): Promise<Environment>;
  streamingEnv(): Promise<Environment>;
  /** Of its newest boot: sidekiq has no port to ask. */
  sidekiqEnv(): Promise<Environment>;
  /** How often the unit has loaded `.env.production` so far. */
  boots(unit: MastodonUnit): Promise<number>;
  pid(unit: MastodonUnit): Promise<number | undefined>;
  /** The parsed answer of web to a path (`/db`, `/redis`, `/enqueue?text`); throws unless it is 200. */
  ask(path: string): Promise<unknown>;
  /** Texts of the jobs that sidekiq has done. */
  jobs(): Promise<readonly string[]>;
  log(unit: MastodonUnit): Promise<string>;
}

export type ServiceVerb = "start" | "stop" | "restart" | "status";
export type Environment = Readonly<Record<string, string>>;

export async function prepareMastodon(options: MastodonOptions): Promise<Mastodon> {
  const { folder, pidFolder = join(folder, "run"), address = "127.0.0.1" } = options;
  const [webPort = 0, streamingPort = 0] = await freePorts(2, address);
  const webUrl = `http://${address}:${webPort}`;
  const streamingUrl = `http://${address}:${streamingPort}`;
  const service = join(checkout(), "test", "world", "mastodon", "service.sh");

  await mkdir(join(folder, "log"), { recursive: true });
  if (options.streaming !== undefined) await copyStreaming(options.streaming, join(folder, "streaming"));
  await mkdir(pidFolder, { recursive: true });
  await writeFile(
    join(folder, "stand-in.conf"),
    shellAssignments({
      ADDRESS: address,
      WEB_PORT: String(webPort),
      STREAMING_PORT: String(streamingPort),
      RUN: pidFolder,
      NODE: process.execPath,
      PUMA: program("puma"),
      SIDEKIQ: program("sidekiq"),
      STREAMING:
        options.streaming === undefined
          ? join(dirname(service), "streaming.mjs")
          : join(folder, "streaming", "index.js"),
      RESPAWN_SECONDS: String((options.respawnMs ?? 100) / 1000),
    }),
  );

  const pidfile = (unit: MastodonUnit) => join(pidFolder, `${unit}.pid`);
  const serviceArgv = (unit: MastodonUnit, verb: ServiceVerb) => ["sh", service, folder, unit, verb];
  const each = async (units: readonly MastodonUnit[], verb: ServiceVerb) => {
    const wanted = units.length === 0 ? MASTODON_UNITS : units;
    await Promise.all(wanted.map((unit) => run("sh", serviceArgv(unit, verb).slice(1))));
  };
  const boots = async (unit: MastodonUnit) => linesOf(await textOf(join(folder, "log", `${unit}.boots`)));
  const stop = (...units: readonly MastodonUnit[]) => each(units, "stop");
  const healthUrls = { web: `${webUrl}/health`, streaming: `${streamingUrl}/api/v1/streaming/health` };

  return {
    folder,
    envFile: join(folder, ".env.production"),
    webUrl,
    streamingUrl,
    healthUrls,
    pidfiles: { web: pidfile("web"), sidekiq: pidfile("sidekiq"), streaming: pidfile("streaming") },
    serviceArgv,
    start: async (...units) => {
      await each(units, "start");
      const wanted = units.length === 0 ? MASTODON_UNITS : units;
      await Promise.all(
        wanted.map((unit) => until(`${unit} to boot`, async () => (await boots(unit)).length)),
      );
      if (wanted.includes("web")) await until("web to answer", () => answer(healthUrls.web));
    },
    stop,
    webEnv: async () => environmentOf(await answer(`${webUrl}/env`)),
    streamingEnv: async () => environmentOf(await answer(`${streamingUrl}/env`)),
    sidekiqEnv: async () =>
      environmentOf(JSON.stringify(field(JSON.parse((await boots("sidekiq")).at(-1) ?? "{}"), "env"))),
    boots: async (unit) => (await boots(unit)).length,
    pid: async (unit) => Number.parseInt(await textOf(pidfile(unit)), 10) || undefined,
    ask: async (path) => JSON.parse(await answer(`${webUrl}${path}`)),
    jobs: async () => linesOf(await textOf(join(folder, "log", "jobs"))),
    log: (unit) => textOf(join(folder, "log", `${unit}.log`)),
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** It reads the `.env.production` beside its own folder, so it has to be in Mastodon's. */
async function copyStreaming(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from))
    if (/\.js$|^package\.json$/.test(name)) await copyFile(join(from, name), join(to, name));
  await symlink(join(from, "node_modules"), join(to, "node_modules"));
}

async function answer(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text;
}

function environmentOf(json: string): Environment {
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== "object" || parsed === null) throw new Error("an environment is an object");
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

function shellAssignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join("");
}
