/** What a process has forked. */
import { readdir, readFile } from "node:fs/promises";
import { type Process, processOf } from "./process.ts";
import { ps } from "./ps.ts";

interface Row {
  readonly pid: number;
  readonly parent: number;
  /** Of the program. */
  readonly name: string;
}

/** The live children of a process that run the same program, not other programs that it has started. */
export async function childrenOf(pid: number): Promise<readonly Process[]> {
  const rows = process.platform === "linux" ? await rowsFromProc() : await rowsFromPs();
  const name = rows.find((row) => row.pid === pid)?.name;
  const children = rows.filter((row) => row.parent === pid && row.name === name);
  const found = await Promise.all(children.map((child) => processOf(child.pid)));
  return found.filter((child) => child !== undefined);
}

/** proc(5): `pid (name) state parent ...`, and the name may contain anything. */
async function rowsFromProc(): Promise<readonly Row[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.flatMap((stat) => rowOf(/^(\d+) \((?<name>.*)\) \S (?<parent>\d+) /s.exec(stat)));
}

/** FreeBSD and the rest: POSIX's ps. */
export async function rowsFromPs(): Promise<readonly Row[]> {
  const lines = (await ps("-A", "-o", "pid=", "-o", "ppid=", "-o", "comm=")).split("\n");
  return lines.flatMap((line) => rowOf(/^\s*(\d+)\s+(?<parent>\d+)\s+(?<name>.+?)\s*$/.exec(line)));
}

function rowOf(match: RegExpExecArray | null): readonly Row[] {
  const { parent, name } = match?.groups ?? {};
  if (parent === undefined || name === undefined) return [];
  return [{ pid: Number(match?.[1]), parent: Number(parent), name }];
}
