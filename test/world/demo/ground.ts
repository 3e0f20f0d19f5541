import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the demo's processes write is in one folder, and what outlives the agent is known by that folder. */
export interface Ground extends AsyncDisposable {
  readonly path: string;
  /** The agent's state directory: the Consul client's pidfile is there. */
  readonly agentState: string;
  file(...names: readonly string[]): string;
  /** Ends the Consul client and Mastodon's units: the agent leaves them running on purpose. */
  endDetached(): void;
}

const ROUNDS = 100;
const ROUND_MS = 20;

/**
 * Makes the folder. However this process ends (a second Ctrl-C, an output that nobody reads any more), nothing is
 * left running or on disk: what its own end does not do in order, the `exit` event does at once.
 */
export async function openGround(): Promise<Ground> {
  const path = await mkdtemp(join(tmpdir(), "mastodon-agent-demo-"));
  // Postgres runs as a user of its own where we are root, and has to come through.
  await chmod(path, 0o711);
  const outside = process.env["TMPDIR"];
  process.env["TMPDIR"] = path;
  const agentState = join(path, "agent", "state");
  const raze = () => {
    quitPostgres(path);
    endDetached(path, agentState);
    rmSync(path, { recursive: true, force: true, maxRetries: 10 });
  };
  // Before the programs that are still running are killed, which they are by the listener of `start`.
  process.prependOnceListener("exit", raze);
  return {
    path,
    agentState,
    file: (...names) => join(path, ...names),
    endDetached: () => endDetached(path, agentState),
    [Symbol.asyncDispose]: async () => {
      raze();
      process.off("exit", raze);
      if (outside === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = outside;
    },
  };
}

/** Synchronous, because an `exit` event waits for nothing. What is just being started shows up in the next round. */
function endDetached(path: string, agentState: string): void {
  for (let round = 0; round < ROUNDS; round++) {
    const pids = processes().filter(({ argv }) => isDetached(argv, path, agentState));
    if (pids.length === 0) return;
    for (const { pid } of pids) end(pid);
    pause();
  }
}

/** A Postgres that is killed leaves its shared memory behind; on SIGQUIT it ends at once, but takes that with it. */
function quitPostgres(path: string): void {
  const entries = existsSync(path) ? readdirSync(path) : [];
  for (const name of entries.filter((entry) => entry.startsWith("postgres-"))) {
    const pidfile = join(path, name, "data", "postmaster.pid");
    const pid = Number.parseInt(textOf(pidfile), 10);
    if (pid > 1) send(pid, "SIGQUIT");
    for (let round = 0; round < ROUNDS && existsSync(pidfile); round++) pause();
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ROUND_MS);
}

/** By whole arguments, so that someone's `tail -f` in the folder is no part of it. */
function isDetached(argv: readonly string[], path: string, agentState: string): boolean {
  const isClient = argv.includes(`-pid-file=${join(agentState, "consul.pid")}`);
  const isUnit = argv.some((word) => /\/mastodon\/(respawn|service)\.sh$/.test(word));
  return isClient || (isUnit && argv.some((word) => word.startsWith(`${path}/`)));
}

/** The supervisors and the client lead a process group each: with a supervisor goes its program. */
function end(pid: number): void {
  send(-pid, "SIGKILL");
  send(pid, "SIGKILL");
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // No group of that number, or gone already.
  }
}

/** proc(5). The stand-in's `setsid` is Linux's as well. */
function processes(): readonly { readonly pid: number; readonly argv: readonly string[] }[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => ({ pid: Number(pid), argv: textOf(`/proc/${pid}/cmdline`).split("\0") }));
}

/** Empty where there is no such file, or no more. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
