import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** What proc(5) says about a process of this machine. */
export interface Footprint {
  readonly descriptors: number;
  /** TCP sockets, the listening ones with them. */
  readonly sockets: number;
  readonly residentMb: number;
  readonly children: readonly string[];
}

export async function footprintOf(pid: number): Promise<Footprint> {
  const folder = `/proc/${pid}/fd`;
  const open = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => "")),
  );
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const tcp = new Set([...(await links("tcp")), ...(await links("tcp6"))]);
  return {
    descriptors: open.filter((link) => link !== "").length,
    sockets: open.filter((link) => tcp.has(link)).length,
    residentMb: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024),
    children: await childrenOf(pid),
  };
}

/** Names and pids of the processes that it started and that still are, dead ones that nobody awaited with them. */
export async function childrenOf(pid: number): Promise<readonly string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => "")),
  );
  const pids = lists.flatMap((list) => list.split(" ").filter((word) => word !== ""));
  return Promise.all(
    pids.map(async (child) => {
      const name = await readFile(`/proc/${child}/comm`, "utf8").catch(() => "gone");
      return `${name.trim()} (${child})`;
    }),
  );
}

/** As a descriptor's link names each row of the table. */
async function links(table: string): Promise<readonly string[]> {
  const text = await readFile(`/proc/net/${table}`, "utf8").catch(() => "");
  const rows = text.trimEnd().split("\n").slice(1);
  return rows.map((row) => `socket:[${row.trim().split(/\s+/)[9]}]`);
}
