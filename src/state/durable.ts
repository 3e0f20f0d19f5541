/**
 * Files that are complete and on disk, or not there at all: for the agent's own state and for what it renders. Only
 * what waits for the disk goes to another thread: for small files the trip takes longer than the call.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "../base/errors.ts";

/** Permissions of a file; a missing owner or group stays what the system gives a new file. */
export interface Permissions {
  readonly mode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** One fixed name for each file, in the same directory, so that a crash leaves at most one and the next run finds it. */
export function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.mastodon-agent`);
}

/** The same for who only tries whether the file could be written: an agent may run, and use the other name. */
export function trialOf(path: string): string {
  return `${temporaryOf(path)}-check`;
}

/**
 * Writes a path's temporary file to disk, with its final owner and mode. It is created exclusively and 0600, so neither
 * a link in its place nor a reader gets anything from it.
 */
export async function writeTemporary(
  path: string,
  content: string | Uint8Array,
  permissions: Permissions,
  temporary = temporaryOf(path),
): Promise<string> {
  const file = createAnew(temporary);
  try {
    writeFileSync(file, content);
    const { uid, gid } = fstatSync(file);
    const owner = { uid: permissions.uid ?? uid, gid: permissions.gid ?? gid };
    if (owner.uid !== uid || owner.gid !== gid) fchownSync(file, owner.uid, owner.gid);
    fchmodSync(file, permissions.mode);
    await sync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return temporary;
}

/** What a crash left under that name, or somebody put there, is removed and never written to. */
function createAnew(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    rmSync(path);
    return openSync(path, "wx", 0o600);
  }
}

/** Replaces the target with a written temporary file; once this returns a power cut does not undo it. */
export async function replace(temporary: string, path: string): Promise<void> {
  renameSync(temporary, path);
  await syncDirectory(dirname(path));
}

/** Makes names that were added to or removed from a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, "r");
  try {
    await sync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Whether there was no room for it, or this user's quota is used up. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "");
}

const sync = promisify(fsync);
