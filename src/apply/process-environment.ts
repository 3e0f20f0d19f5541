/** The environment that a running program was given: dotenv does not override it. */
import { readFile } from "node:fs/promises";
import { Secret } from "../base/secret.ts";
import { ps } from "../state/ps.ts";

/** By name; undefined if it may not be read: only root and the program's own user may. */
export async function environmentOf(pid: number): Promise<ReadonlyMap<string, Secret> | undefined> {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

/** proc(5): as it was when the program started, each variable ended by a NUL. */
async function fromProc(pid: number): Promise<ReadonlyMap<string, Secret> | undefined> {
  const content = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => undefined);
  return content === undefined ? undefined : parsed(content.split("\0"));
}

/** FreeBSD's ps(1) prints it before the command, separated by blanks: a value with a blank is cut off there. */
export async function fromPs(pid: number): Promise<ReadonlyMap<string, Secret> | undefined> {
  const text = await ps("eww", "-o", "command=", "-p", String(pid));
  return text === "" ? undefined : parsed(text.split(/\s+/));
}

function parsed(words: readonly string[]): ReadonlyMap<string, Secret> {
  const variables = words.flatMap((word): [string, Secret][] => {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(word) ?? [];
    return name === undefined || value === undefined ? [] : [[name, new Secret(value)]];
  });
  return new Map(variables);
}
