/** Users and groups by name, for messages; from the local files alone, so that a number may stay a number. */
import { localFile } from "./ownership.ts";

export function userName(uid: number): string {
  return nameIn("passwd", uid) ?? `user id ${uid}`;
}

export function groupName(gid: number): string {
  return nameIn("group", gid) ?? `group id ${gid}`;
}

/** Who runs this process. */
export function ownName(): string {
  return userName(process.geteuid?.() ?? 0);
}

/** What to type to run a command as somebody else, on Linux and on FreeBSD. */
export function runAs(user: string): string {
  const flags = user === "root" ? "" : ` -u ${user}`;
  return `\`sudo${flags} mastodon-agent ...\` (on FreeBSD \`doas${flags} mastodon-agent ...\`)`;
}

/** passwd(5) and group(5): the name is the first field, the number the third. */
function nameIn(database: "passwd" | "group", id: number): string | undefined {
  const lines = localFile(database)
    .split("\n")
    .map((line) => line.split(":"));
  return lines.find(([, , number]) => number === String(id))?.[0];
}
