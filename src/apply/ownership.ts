/** Names of users and groups to numbers, as the file system wants them. */
import { execFile as execFileWithCallback } from "node:child_process";
import { promisify } from "node:util";
import { localFile } from "../base/access.ts";
import { Misconfigured } from "../base/errors.ts";
import type { Permissions } from "../state/durable.ts";
import type { FileSpec } from "./config.ts";

const execFile = promisify(execFileWithCallback);

/** Exists on Linux and on FreeBSD. */
const GETENT = "/usr/bin/getent";
const GETENT_TIMEOUT_MS = 5000;

/** The permissions that a file's entry asks for. @throws Misconfigured for a user or group that does not exist. */
export async function permissionsOf(spec: FileSpec): Promise<Permissions> {
  return {
    mode: Number.parseInt(spec.mode, 8),
    uid: spec.owner === undefined ? undefined : await idOf("passwd", "user", spec.owner, spec),
    gid: spec.group === undefined ? undefined : await idOf("group", "group", spec.group, spec),
  };
}

/** A user to run programs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** @throws Misconfigured, naming `where`, when there is no such user or this process may not become that user */
export async function accountOf(name: string, where: string): Promise<Account> {
  const local = localFile("passwd");
  const fields = fieldsIn(local, name) ?? fieldsIn(await getent("passwd", name), name);
  const [, , uid = "", gid = "", , home = "/"] = fields ?? [];
  if (uid === "" || gid === "")
    throw new Misconfigured({
      where,
      what: `there is no user ${name} on this machine`,
      cure: "Create the user, or name another one in the configuration.",
    });
  const me = process.geteuid?.();
  if (me !== 0 && me !== Number(uid))
    throw new Misconfigured({
      where,
      what: `user id ${me} may not run anything as ${name}`,
      cure: `Run the agent as ${name} (or as root), or name another user in the configuration.`,
    });
  return { uid: Number(uid), gid: Number(gid), home };
}

/** Looks into the local file first (no process to start), then asks every source the system is configured with. */
async function idOf(database: string, kind: string, name: string, { path }: FileSpec): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  const local = localFile(database);
  const id = idIn(local, name) ?? idIn(await getent(database, name), name);
  if (id !== undefined) return id;
  throw new Misconfigured({
    where: path,
    what: `there is no ${kind} ${name} on this machine`,
    cure: `Create the ${kind}, or name another as ${kind === "user" ? "owner" : "group"} of this file in the configuration.`,
  });
}

async function getent(database: string, name: string): Promise<string> {
  const options = { timeout: GETENT_TIMEOUT_MS };
  // It exits with 2 for a name that it does not know.
  const { stdout } = await execFile(GETENT, [database, name], options).catch(() => ({ stdout: "" }));
  return stdout;
}

/** passwd(5) and group(5): the name is the first field, the number the third. */
function idIn(text: string, name: string): number | undefined {
  const fields = fieldsIn(text, name);
  return fields?.[2] === undefined || fields[2] === "" ? undefined : Number(fields[2]);
}

function fieldsIn(text: string, name: string): readonly string[] | undefined {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([first]) => first === name);
}
