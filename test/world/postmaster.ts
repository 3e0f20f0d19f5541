import { readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { until } from "./until.ts";

/** The Postgres server of a data folder that someone else started, and that its starter may have left behind. */
export interface Postmaster {
  /** Undefined unless it runs. */
  pid(): number | undefined;
  /** An immediate shutdown; only what Postgres leaves on the disk survives. */
  stop(): Promise<void>;
  /** SIGKILL for the server and then for its children, as if the machine were gone. */
  kill(): Promise<void>;
}

export function postmasterOf(data: string): Postmaster {
  const pid = () => pidOf(data);
  return {
    pid,
    stop: async () => {
      send(pid(), "SIGQUIT");
      await until(`the Postgres of ${data} to end`, () => pid() === undefined);
    },
    kill: async () => {
      const own = pid();
      const family = own === undefined ? [] : [own, ...childrenOf(own)];
      for (const member of family) send(member, "SIGKILL");
      await until(
        `the Postgres of ${data} to be gone`,
        () => !family.some((member) => worksIn(member, data)),
      );
    },
  };
}

/** For the end of a test process, where nothing can be awaited. */
export function killNow(data: string): void {
  send(pidOf(data), "SIGKILL");
}

/** A pidfile outlives its process: only a process that works in this data folder is meant. */
function pidOf(data: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10);
    return worksIn(pid, data) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function worksIn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return false;
  }
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function send(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
