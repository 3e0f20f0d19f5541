import { type ChildProcess, spawn } from "node:child_process";

/** The end of an output is what explains a failure; a chatty server shall not fill the memory. */
const OUTPUT_CHARACTERS = 200_000;
const TAIL_LINES = 30;

/** A test process that ends early takes its programs with it. */
const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The whole environment, where nothing may come in from outside. */
  readonly onlyEnv?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** SIGTERM where none is given. */
  readonly stopSignal?: NodeJS.Signals;
  /** After that long SIGKILL follows the stop signal. */
  readonly stopDeadlineMs?: number;
  /** Each line as it comes, from both streams. */
  readonly onLine?: (line: string) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that was started; leaving the scope stops it by its own pid. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  isRunning(): boolean;
  /** Both streams, as they came. */
  output(): string;
  /** The last lines of the output, for a message. */
  tail(): string;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<Exit>;
}

/** Starts a program and returns once it has a pid; throws if it cannot be started at all. */
export async function start(
  command: string,
  argv: readonly string[],
  options: SpawnOptions = {},
): Promise<Running> {
  const child = spawn(command, argv, {
    stdio: ["ignore", "pipe", "pipe"],
    env: options.onlyEnv ?? { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const output = collect(child, options.onLine);
  const exited = endOf(child);
  const pid = await pidOf(child);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    if (!isRunning()) return exited;
    child.kill(options.stopSignal ?? "SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), options.stopDeadlineMs ?? 10_000);
    return exited.finally(() => clearTimeout(timer));
  };
  return {
    pid,
    exited,
    isRunning,
    output,
    tail: () => output().trimEnd().split("\n").slice(-TAIL_LINES).join("\n"),
    signal: (signal) => void child.kill(signal),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** Runs a program to its end and returns its output; throws with the output's tail unless it exits with 0. */
export async function run(
  command: string,
  argv: readonly string[],
  options: SpawnOptions = {},
): Promise<string> {
  await using running = await start(command, argv, options);
  const { code, signal } = await running.exited;
  if (code !== 0) {
    throw new Error(`${command} ${argv.join(" ")} ended with ${code ?? signal}:\n${running.tail()}`);
  }
  return running.output();
}

/** Until the condition holds or the program ended, whichever is first: a start-up that failed is told at once. */
export async function whileRunning<T>(name: string, running: Running, ready: Promise<T>): Promise<T> {
  const died = running.exited.then(({ code, signal }): never => {
    throw new Error(`${name} ended with ${code ?? signal} while it started:\n${running.tail()}`);
  });
  try {
    return await Promise.race([ready, died]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const tail = running.isRunning() ? `\n${name} printed:\n${running.tail()}` : "";
    await running.stop();
    throw new Error(`${reason}${tail}`, { cause: error });
  } finally {
    died.catch(() => {});
    ready.catch(() => {});
  }
}

function collect(child: ChildProcess, onLine: SpawnOptions["onLine"]): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARACTERS);
      if (onLine === undefined) return;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    });
  }
  return () => text;
}

/** `close` comes after the last output; but grandchildren may hold the streams open long after the `exit`. */
function endOf(child: ChildProcess): Promise<Exit> {
  alive.add(child);
  return new Promise((resolve) => {
    child.once("error", () => alive.delete(child));
    child.once("exit", (code, signal) => {
      alive.delete(child);
      const timer = setTimeout(() => resolve({ code, signal }), 200);
      child.once("close", () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
}

function pidOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      if (child.pid === undefined) reject(new Error("a spawned program has a pid"));
      else resolve(child.pid);
    });
  });
}
