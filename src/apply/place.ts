/** The look at the disk: where desired files go, and what is there now. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { codeOf, isAgentError, messageOf, TryAgain } from "../base/errors.ts";
import type { Permissions } from "../state/durable.ts";
import type { FileSpec } from "./config.ts";
import { permissionsOf } from "./ownership.ts";
import type { Desired, DesiredFile, Place, Placed, PlacedFile } from "./plan.ts";
import { sameTargetOf } from "./target.ts";

/** @throws TryAgain for a file that cannot be read: the obstacle may go away again */
export async function place(desired: Desired): Promise<Placed> {
  const files = desired.files.map((file) => placeFile(file).catch((error) => refuse(file, error)));
  return { ...desired, files: await Promise.all(files) };
}

function refuse({ spec: { path } }: DesiredFile, cause: unknown): never {
  if (isAgentError(cause)) throw new TryAgain(cause.complaint, { cause });
  const what = `it cannot be read (${messageOf(cause)})`;
  const cure = "Let the agent's user read the existing file: it is compared before it is replaced.";
  throw new TryAgain({ where: path, what, cure }, { cause });
}

export async function placeFile(file: DesiredFile): Promise<PlacedFile> {
  return { ...file, place: await placeOf(file.spec) };
}

/** @throws Misconfigured for an unknown owner or a target that is not a file; the system's error when unreadable */
export async function placeOf(spec: FileSpec): Promise<Place> {
  const [target, asked] = await Promise.all([sameTargetOf(spec), permissionsOf(spec)]);
  const found = read(target);
  return {
    target,
    asked,
    there: found && {
      ...found,
      content: found.bytes.toString("utf8"),
      asSpecified: isAsAsked(asked, found),
    },
  };
}

function read(path: string) {
  try {
    const file = openSync(path, "r");
    try {
      const { mode, uid, gid } = fstatSync(file);
      return { mode: mode & 0o7777, uid, gid, bytes: readFileSync(file) };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function isAsAsked(asked: Permissions, there: Permissions): boolean {
  return (
    there.mode === asked.mode &&
    (asked.uid === undefined || asked.uid === there.uid) &&
    (asked.gid === undefined || asked.gid === there.gid)
  );
}
