/** Identity of running processes: a pid alone is not enough, because the kernel reuses it. */
import { readFile } from "node:fs/promises";
import { uptime } from "node:os";
import { ps } from "./ps.ts";

/** Linux gives start times in USER_HZ, which is 100 on every architecture that Node runs on. */
const MS_PER_TICK = 10;

export interface Process {
  readonly pid: number;
  /** Equal for the same process, different for the next one with the same pid; opaque otherwise. */
  readonly started: string;
  readonly ageMs: number;
}

/** The live process with this pid, or undefined; one that ended but was not waited for is not alive. */
export async function processOf(pid: number): Promise<Process | undefined> {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

/** Whether that very process is still there. */
export async function isAlive({ pid, started }: Pick<Process, "pid" | "started">): Promise<boolean> {
  return (await processOf(pid))?.started === started;
}

/** proc(5): the name in parentheses may contain anything, so fields count from the last parenthesis. */
async function fromProc(pid: number): Promise<Process | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const ticks = fields[19];
  if (ticks === undefined || state === "Z" || state === "X") return undefined;
  return { pid, started: ticks, ageMs: Math.max(0, sinceBootMs() - Number(ticks) * MS_PER_TICK) };
}

/**
 * In a container the uptime may be the container's own, and the monotonic clock stops in suspend: the larger one is
 * right.
 */
function sinceBootMs(): number {
  return Math.max(uptime() * 1000, Number(process.hrtime.bigint() / 1_000_000n));
}

/** FreeBSD and the rest: POSIX's ps, with `lstart` as the identity because `etimes` keeps counting. */
export async function fromPs(pid: number): Promise<Process | undefined> {
  const text = await ps("-o", "stat=", "-o", "etimes=", "-o", "lstart=", "-p", String(pid));
  const [, state, seconds, started] = /^\s*(\S+)\s+(\d+)\s+(.+?)\s*$/.exec(text) ?? [];
  if (seconds === undefined || started === undefined || state?.startsWith("Z")) return undefined;
  return { pid, started, ageMs: Number(seconds) * 1000 };
}
