/** Who may read what, for messages: users and groups by name, and what to type instead. */
import { readFileSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import type { Complaint } from "./errors.ts";

/**
 * After EACCES: why this process may not read it, and as whom to run the command. `where` is the file, or the closed
 * folder on the way to it, so that several files behind it are one complaint.
 */
export function denied(file: string, doing = "read"): Complaint {
  const barrier = barrierTo(file);
  return {
    where: barrier?.path ?? file,
    what: `${ownName()} may not ${doing} it${barrier ? ` (${ownershipOf(barrier.stats)})` : ""}`,
    cure: `Run this as root or as the agent's user: ${runAs(barrier ? readerOf(barrier.stats) : "root")}.`,
  };
}

/** What to type to run a command as somebody else, on Linux and on FreeBSD. */
export function runAs(user: string): string {
  const flags = user === "root" ? "" : ` -u ${user}`;
  return `\`sudo${flags} mastodon-agent ...\` (on FreeBSD \`doas${flags} mastodon-agent ...\`)`;
}

/** Who runs this process. */
export function ownName(): string {
  return userName(process.geteuid?.() ?? 0);
}

/** From the local files only, so a number may stay a number. */
export function userName(uid: number): string {
  return nameIn("passwd", uid) ?? `user id ${uid}`;
}

/** `/etc/passwd` or `/etc/group`; empty if it cannot be read. */
export function localFile(database: string): string {
  try {
    return readFileSync(`/etc/${database}`, "utf8");
  } catch {
    return "";
  }
}

function barrierTo(file: string): { readonly path: string; readonly stats: Stats } | undefined {
  try {
    return { path: file, stats: statSync(file) };
  } catch {
    const parent = path.dirname(file);
    return parent === file ? undefined : barrierTo(parent);
  }
}

function ownershipOf({ uid, gid, mode }: Stats): string {
  const group = nameIn("group", gid) ?? `group id ${gid}`;
  return `owner ${userName(uid)}, group ${group}, mode ${(mode & 0o777).toString(8).padStart(4, "0")}`;
}

/** Whom the permissions are meant for, if not only root: usually the agent's user, or a group of that name. */
function readerOf({ uid, gid, mode }: Stats): string {
  const group = uid === 0 && gid !== 0 && (mode & 0o040) !== 0 ? nameIn("group", gid) : undefined;
  return group ?? nameIn("passwd", uid) ?? `'#${uid}'`;
}

/** passwd(5) and group(5): the name is the first field, the number the third. */
function nameIn(database: "passwd" | "group", id: number): string | undefined {
  const lines = localFile(database)
    .split("\n")
    .map((line) => line.split(":"));
  return lines.find(([, , number]) => number === String(id))?.[0];
}
