/** What is on disk now. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { codeOf } from "../base/errors.ts";
import type { Permissions } from "../state/durable.ts";
import type { FileSpec } from "./config.ts";
import { permissionsOf } from "./ownership.ts";
import type { OnDisk } from "./plan.ts";
import { targetOf } from "./target.ts";

/** A file with all that is needed to put it back. */
export interface CurrentFile extends OnDisk, Required<Permissions> {
  readonly bytes: Uint8Array;
}

/**
 * The file that an entry describes, or undefined when it is not there.
 * @throws Misconfigured for an unknown owner or a target that is no file, the system's error when unreadable
 */
export async function current(spec: FileSpec): Promise<CurrentFile | undefined> {
  const [target, asked] = await Promise.all([targetOf(spec.path), permissionsOf(spec)]);
  try {
    const { bytes, ...there } = read(target);
    return { ...there, bytes, content: bytes.toString("utf8"), asSpecified: isAsked(there, asked) };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function read(path: string) {
  const file = openSync(path, "r");
  try {
    const { mode, uid, gid } = fstatSync(file);
    return { mode: mode & 0o7777, uid, gid, bytes: readFileSync(file) };
  } finally {
    closeSync(file);
  }
}

function isAsked(there: Permissions, asked: Permissions): boolean {
  return (
    there.mode === asked.mode &&
    (asked.uid === undefined || asked.uid === there.uid) &&
    (asked.gid === undefined || asked.gid === there.gid)
  );
}
