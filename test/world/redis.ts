import { freePort } from "./ports.ts";
import { program } from "./programs.ts";
import { type Running, run, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export interface RedisServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  /** One command through redis-cli, its answer as text. */
  command(...words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
  /** Starts it again where it was; it remembers nothing. */
  start(): Promise<void>;
}

export interface RedisOptions {
  readonly host?: string;
  readonly port?: number;
  readonly password?: string;
  /** More of its own, such as `--cluster-enabled yes`. */
  readonly arguments?: readonly string[];
}

/** A real Redis that keeps nothing on disk. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("redis"));
  const { host = "127.0.0.1", password } = options;
  const port = options.port ?? (await freePort(host));
  const command = async (...words: readonly string[]) => {
    const env: Record<string, string> = password === undefined ? {} : { REDISCLI_AUTH: password };
    return (await run(program("redis-cli"), ["-h", host, "-p", String(port), ...words], { env })).trimEnd();
  };
  const boot = async (): Promise<Running> => {
    const auth = password === undefined ? [] : ["--requirepass", password];
    const where = ["--bind", host, "--port", String(port), "--dir", folder.path];
    const running = await start(program("redis-server"), [
      ...where,
      "--save",
      "",
      "--appendonly",
      "no",
      ...auth,
      ...(options.arguments ?? []),
    ]);
    await whileRunning(
      "redis-server",
      running,
      until("Redis to answer", async () => (await command("ping")) === "PONG"),
    );
    return running;
  };

  let running = await boot();
  starting.defer(async () => void (await running.stop()));
  const release = starting.move();
  return {
    host,
    port,
    password,
    command,
    stop: async () => void (await running.stop()),
    start: async () => {
      running = await boot();
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
