/** The arguments that processes run with. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { execa } from "execa";

const PS_TIMEOUT_MS = 5_000;

/** The arguments, separated by spaces; empty for a process that is gone. */
export async function commandOf(pid: number): Promise<string> {
  if (process.platform !== "linux") return ps("-ww", "-o", "command=", "-p", String(pid));
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.replaceAll("\0", " ").trimEnd();
}

/**
 * For every process that sees the same files as this one, by pid: a host also sees the processes of its containers and
 * jails, where the same path is another place.
 */
export async function commandsHere(): Promise<ReadonlyMap<number, string>> {
  return process.platform === "linux" ? fromProc() : fromPs();
}

async function fromProc(): Promise<ReadonlyMap<number, string>> {
  const here = await mountsOf("self");
  const found = new Map<number, string>();
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (here !== undefined && pid > 0 && (await mountsOf(name)) === here)
      found.set(pid, await commandOf(pid));
  }
  return found;
}

/** The namespace of a process's mounts; undefined if that is closed to us. */
async function mountsOf(pid: string): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
}

/** FreeBSD: by the jail. */
async function fromPs(): Promise<ReadonlyMap<number, string>> {
  const here = (await ps("-o", "jid=", "-p", String(process.pid))).trim();
  const found = new Map<number, string>();
  for (const line of (await ps("-axww", "-o", "jid=,pid=,command=")).split("\n")) {
    const [, jail, pid, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (jail === here) found.set(Number(pid), command);
  }
  return found;
}

async function ps(...argv: readonly string[]): Promise<string> {
  const { stdout } = await execa("ps", argv, { reject: false, timeout: PS_TIMEOUT_MS });
  return stdout ?? "";
}
