import { writeFile } from "node:fs/promises";
import { freePort, loopbackAddress } from "./ports.ts";
import { program } from "./programs.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { run, start, whileRunning } from "./spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export interface SentinelOptions {
  /** The name under which the sentinels know the primary. */
  readonly name?: string;
  readonly replicas?: number;
  readonly sentinels?: number;
  /** Of the Redis servers; the sentinels themselves ask for none. */
  readonly password?: string;
}

/** A Redis primary with replicas, watched by sentinels. */
export interface SentinelWorld extends AsyncDisposable {
  readonly name: string;
  readonly password: string | undefined;
  /** All Redis servers; the first one was the primary in the beginning. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly Sentinel[];
  /** Whom the sentinels call the primary now. */
  primary(): Promise<RedisServer>;
  /** SIGKILL for the primary; returns the server that was it. Its `start` brings it back. */
  killPrimary(): Promise<RedisServer>;
}

export interface Sentinel {
  readonly host: string;
  readonly port: number;
  /** One command through redis-cli, its answer as text. */
  command(...words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/**
 * After a switch a sentinel sends its first PING only a second later, and counts the silence from the switch on: with one
 * second it may call the new primary dead at once, and hand over to the one that was just killed.
 */
const DOWN_AFTER_MS = 3_000;

/** Returns once the replicas have their data and the sentinels know each other and every server. */
export async function startSentinel(options: SentinelOptions = {}): Promise<SentinelWorld> {
  const { name = "mastodon", replicas = 1, password } = options;
  await using starting = new AsyncDisposableStack();
  const servers = await together(replicas + 1, () => startMember(password));
  for (const server of servers) starting.use(server);
  const [first, ...others] = servers;
  if (first === undefined) throw new Error("there is no primary without a server");
  for (const replica of others) await replica.command("replicaof", first.host, String(first.port));
  const linked = async (replica: RedisServer) =>
    (await replica.command("role")).split("\n")[3] === "connected";
  for (const replica of others) await until("the replica to follow", () => linked(replica));

  const count = options.sentinels ?? 3;
  const folder = starting.use(await temporaryFolder("sentinel"));
  const settings = { name, primary: first, quorum: Math.floor(count / 2) + 1 };
  const sentinels = await together(count, (index) => startOne(folder, index, settings));
  for (const sentinel of sentinels) starting.defer(sentinel.stop);
  for (const { command } of sentinels) {
    await until("a sentinel to know all", async () => {
      const facts = pairs(await command("sentinel", "master", name));
      return (
        facts.get("num-slaves") === String(replicas) && facts.get("num-other-sentinels") === String(count - 1)
      );
    });
  }

  const primary = async () => {
    const address = await firstAnswer(sentinels, ["sentinel", "get-master-addr-by-name", name]);
    const found = servers.find(({ host, port }) => `${host}\n${port}` === address);
    if (found === undefined) throw new Error(`the sentinels call a stranger the primary: ${address}`);
    return found;
  };
  const release = starting.move();
  return {
    name,
    password,
    servers,
    sentinels,
    primary,
    killPrimary: async () => {
      const victim = await primary();
      await kill(victim);
      return victim;
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** A Redis that may become a replica, whenever it is started. */
async function startMember(password: string | undefined): Promise<RedisServer> {
  const host = await loopbackAddress();
  const server = await startRedis({ host, ...(password !== undefined && { password }) });
  const prepare = async () => {
    // Its connections come from 127.0.0.1, so it has to say where it is.
    await server.command("config", "set", "replica-announce-ip", host);
    await server.command("config", "set", "replica-announce-port", String(server.port));
    await server.command("config", "set", "repl-diskless-sync-delay", "0");
    if (password !== undefined) await server.command("config", "set", "masterauth", password);
  };
  await prepare();
  return {
    ...server,
    start: async () => {
      await server.start();
      await prepare();
    },
  };
}

interface Settings {
  readonly name: string;
  readonly primary: RedisServer;
  readonly quorum: number;
}

async function startOne(folder: TemporaryFolder, index: number, settings: Settings): Promise<Sentinel> {
  const host = await loopbackAddress();
  const port = await freePort(host);
  // A sentinel writes what it learns into its own configuration.
  const file = folder.file(`sentinel-${index}.conf`);
  await writeFile(file, sentinelConfiguration(host, port, folder.path, settings), { mode: 0o600 });
  const command = async (...words: readonly string[]) =>
    (await run(program("redis-cli"), ["-h", host, "-p", String(port), ...words])).trimEnd();
  const running = await start(program("redis-sentinel"), [file]);
  const answers = until("the sentinel to answer", async () => (await command("ping")) === "PONG");
  await whileRunning("redis-sentinel", running, answers);
  return { host, port, command, stop: async () => void (await running.stop()) };
}

function sentinelConfiguration(host: string, port: number, folder: string, settings: Settings): string {
  const { name, primary, quorum } = settings;
  return [
    `bind ${host}`,
    `port ${port}`,
    `dir ${folder}`,
    `sentinel announce-ip ${host}`,
    `sentinel monitor ${name} ${primary.host} ${primary.port} ${quorum}`,
    ...(primary.password === undefined ? [] : [`sentinel auth-pass ${name} "${primary.password}"`]),
    `sentinel down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${name} 5000`,
    "",
  ].join("\n");
}

function firstAnswer(sentinels: readonly Sentinel[], words: readonly string[]): Promise<string> {
  return Promise.any(sentinels.map(({ command }) => command(...words)));
}

async function kill(server: RedisServer): Promise<void> {
  const pid = Number(/^process_id:(\d+)/m.exec(await server.command("info", "server"))?.[1]);
  process.kill(pid, "SIGKILL");
  await server.stop();
}

/** Names and values by turns, one a line, as redis-cli prints a map. */
function pairs(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n");
  return new Map(lines.flatMap((line, at) => (at % 2 === 0 ? [[line, lines[at + 1] ?? ""] as const] : [])));
}

function together<T>(count: number, make: (index: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}
