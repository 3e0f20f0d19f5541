/** Reading and writing on the key storage: small files, private from their first byte, safely on disk. */
import { randomBytes } from "node:crypto";
import { chown, lstat, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { codeOf, isAgentError, Misconfigured, messageOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import { syncDirectory } from "../state/durable.ts";
import { isDenied, unreadable } from "./unreadable.ts";

const MAX_BYTES = 1024 * 1024;

export interface TextFile {
  readonly text: Secret;
  /** The permission bits. */
  readonly mode: number;
  readonly modifiedMs: number;
}

/** A small text file; undefined if there is none. @throws Misconfigured when something is there that cannot be read. */
export async function readText(file: string): Promise<TextFile | undefined> {
  try {
    const status = await stat(file);
    if (!status.isFile()) throw strange(file, "it is not a regular file");
    if (status.size > MAX_BYTES) throw strange(file, `it is larger than ${MAX_BYTES} bytes`);
    const text = new Secret(await readFile(file, "utf8"));
    return { text, mode: status.mode & 0o777, modifiedMs: status.mtimeMs };
  } catch (error) {
    if (isDenied(error)) throw new Misconfigured(unreadable(file), { cause: error });
    if (codeOf(error) !== "ENOENT") throw storageError(error, file);
    if (await isLink(file)) throw strange(file, "it is a symbolic link to nothing");
    return undefined;
  }
}

/** Writes a temporary file beside `target`, to be linked or renamed to it. @returns its path */
export async function writeBeside(target: string, content: Secret): Promise<string> {
  const { dir, base } = path.parse(target);
  const temporary = path.join(dir, `.${base}.${randomBytes(8).toString("hex")}.tmp`);
  await writeNew(temporary, content.reveal());
  return temporary;
}

/** The names that `writeBeside` gives. */
export const TEMPORARY_NAME = /^\..+\.[0-9a-f]{16}\.tmp$/;

/**
 * Writes a file that must not exist yet, 0600 and fsynced; its directory entry is not. It gets the directory's owner,
 * so that the agent's user can read what root creates by hand.
 */
export async function writeNew(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(content);
    await takeOwner(file, path.dirname(file));
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Creates a directory, 0700, and what is missing above it, 0755. */
export async function makeDirectory(directory: string, mode = 0o700): Promise<void> {
  const parent = path.dirname(directory);
  try {
    await mkdir(directory, { mode });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    if (codeOf(error) !== "ENOENT" || parent === directory) throw error;
    await makeDirectory(parent, 0o755);
    return makeDirectory(directory, mode);
  }
  await takeOwner(directory, parent);
  await syncDirectory(parent);
}

/** Gives an error of the file system the form of a complaint; our own errors stay as they are. */
export function storageError(error: unknown, where: string): Error {
  if (isAgentError(error)) return error;
  if (isDenied(error)) return new Misconfigured(unreadable(where, "read or write"), { cause: error });
  const what = `it cannot be read or written (${codeOf(error) ?? messageOf(error)})`;
  return new Misconfigured({ what, where, cure: ACCESS }, { cause: error });
}

async function isLink(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isSymbolicLink();
  } catch {
    return false;
  }
}

async function takeOwner(file: string, model: string): Promise<void> {
  const [wanted, own] = await Promise.all([stat(model), stat(file)]);
  if (wanted.uid === own.uid) return;
  try {
    await chown(file, wanted.uid, wanted.gid);
  } catch (error) {
    // Only root may; everyone else keeps their own.
    if (codeOf(error) !== "EPERM") throw error;
  }
}

function strange(file: string, what: string): Misconfigured {
  return new Misconfigured({ what, where: file, cure: "Check what it is; it should be a small file." });
}

const ACCESS =
  "Check its permissions, the free space and the mount: the agent's user must be able to read the keys, and to write them when they are created.";
