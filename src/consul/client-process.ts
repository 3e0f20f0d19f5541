/** The Consul client's process: found again by its identity, because the agent that started it may be long gone. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandOf, commandsHere } from "../state/commands.ts";
import { isAlive, type Process, processOf } from "../state/process.ts";

/** The client gets nothing from the agent's own environment, which holds the jail's secrets. */
const PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin";
const STOP_DEADLINE_MS = 10_000;
const LOOK_MS = 50;

/** The client writes it itself, so it is right even if the agent died right after starting it. */
function pidfileIn(directory: string): string {
  return join(directory, "consul.pid");
}

/**
 * The client that an agent with this state directory has started, if it is still running. It is found even if the
 * directory was lost with the pidfile in it: a second client would find its ports taken.
 */
export async function findClient(directory: string): Promise<Process | undefined> {
  const pidfile = pidfileIn(directory);
  const text = await readFile(pidfile, "utf8").catch(() => "");
  const pid = Number(/^\d+/.exec(text)?.[0] ?? 0);
  const commands = pid > 1 ? new Map([[pid, await commandOf(pid)]]) : await commandsHere();
  const isOurs = (command: string) =>
    [" agent ", ` -pid-file=${pidfile} `].every((part) => `${command} `.includes(part));
  const [found] = [...commands].find(([, command]) => isOurs(command)) ?? [];
  return found === undefined ? undefined : processOf(found);
}

export interface Launch {
  readonly binary: string;
  readonly configFile: string;
  readonly directory: string;
  /** Where its output goes. */
  readonly fd: number;
}

/** Starts a client in a session of its own, so that no signal to the agent's terminal or group reaches it. */
export async function startClient({ binary, configFile, directory, fd }: Launch): Promise<Process> {
  const child = spawn(binary, ["agent", `-config-file=${configFile}`, `-pid-file=${pidfileIn(directory)}`], {
    cwd: "/",
    env: { PATH, HOME: homedir(), LANG: "C.UTF-8" },
    stdio: ["ignore", fd, fd],
    detached: true,
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => resolve(child.pid ?? 0));
  });
  child.unref();
  return (await processOf(pid)) ?? { pid, started: "", ageMs: 0 };
}

/** Stops a client without leaving the cluster; kills it if it does not end in time. @throws Error if it may not */
export async function stopClient(client: Process): Promise<void> {
  for (const name of ["SIGTERM", "SIGKILL"] as const) {
    signal(client, name);
    const deadline = performance.now() + STOP_DEADLINE_MS;
    while (performance.now() < deadline) {
      if (!(await isAlive(client))) return;
      await sleep(LOOK_MS);
    }
  }
  throw new Error(`the Consul client (process ${client.pid}) cannot be stopped`);
}

function signal({ pid }: Process, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone, or belongs to somebody else: the wait will show which.
  }
}
