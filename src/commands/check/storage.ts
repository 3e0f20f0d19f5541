/** The folders that the agent writes into: whether it could, and for how long. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, rm, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { codeOf, Misconfigured, messageOf } from "../../base/errors.ts";
import { octal } from "../../keys/permissions.ts";
import { isFull, trialOf, writeTemporary } from "../../state/durable.ts";
import type { Warning } from "./inspection.ts";

/** The state and its journal take a few MiB at most; with less than this there is soon no room for a change. */
const SCARCE_BYTES = 64 * 1024 * 1024;
/** Not even one change can be remembered for certain. */
const FULL_BYTES = 1024 * 1024;
/** About what a change writes. Quotas, and the number of files on a disk, show only in a file that is written. */
const TRIAL_BYTES = 64 * 1024;

/** @throws Misconfigured where the agent could not write */
export async function storage(directory: string): Promise<string | Warning> {
  const existing = await nearestExisting(directory);
  await refuseUnwritable(existing);
  const { bavail, bsize } = await statfs(existing);
  const freeBytes = bavail * bsize;
  const free = `${Math.floor(freeBytes / 1024 / 1024)} MiB free`;
  const cure = `Make room on the file system of ${existing}.`;
  if (freeBytes < FULL_BYTES)
    throw new Misconfigured({ where: directory, what: `it is full: ${free}`, cure });
  await tryToWrite(existing, cure);
  if (freeBytes < SCARCE_BYTES) return { warning: { where: directory, what: `only ${free}`, cure } };
  if (existing !== directory) return `${directory} will be created at the first start, ${free}`;
  const { mode, uid } = await stat(directory);
  const me = process.geteuid?.();
  if (me !== 0 && uid !== me) {
    const what = `it belongs to user id ${uid}, but this is user id ${me}`;
    return {
      warning: {
        where: directory,
        what,
        cure: "Run the agent as its owner, or give it to the agent's user.",
      },
    };
  }
  return `${directory}, mode ${octal(mode & 0o777)}, user id ${uid}, ${free}`;
}

async function refuseUnwritable(directory: string): Promise<void> {
  const code = await access(directory, constants.W_OK | constants.X_OK).then(() => undefined, codeOf);
  if (code === undefined) return;
  throw new Misconfigured({
    where: directory,
    what: `user id ${process.geteuid?.()} may not write there (${code})`,
    cure: "Give it to the agent's user, or run the agent as its owner; a file system mounted read-only must be remounted.",
  });
}

/** A small file, on the disk and removed again. Of its own name: several folders may still have the same existing one. */
async function tryToWrite(directory: string, cureOfFull: string): Promise<void> {
  const trial = path.join(directory, randomUUID());
  try {
    await rm(await writeTemporary(trial, Buffer.alloc(TRIAL_BYTES), { mode: 0o600 }, trialOf(trial)));
  } catch (error) {
    const what = `no file can be written there (${messageOf(error)})`;
    const cure = isFull(error) ? cureOfFull : "Check that file system and the system's log.";
    throw new Misconfigured({ where: directory, what, cure }, { cause: error });
  }
}

async function nearestExisting(directory: string): Promise<string> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere || path.dirname(directory) === directory
    ? directory
    : nearestExisting(path.dirname(directory));
}
