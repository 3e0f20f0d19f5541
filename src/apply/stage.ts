/** One file of a transaction: written next to its target, then moved there in one step, then perhaps rolled back. */
import { lstatSync, readFileSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isAgentError, Misconfigured, messageOf, Refused, TryAgain } from "../base/errors.ts";
import {
  isFull,
  type Permissions,
  syncDirectory,
  temporaryOf,
  trialOf,
  writeTemporary,
} from "../state/durable.ts";
import type { FileSpec } from "./config.ts";
import type { CurrentFile, Place, PlacedFile } from "./plan.ts";
import { targetOf } from "./target.ts";

export interface StagedFile {
  readonly spec: FileSpec;
  /** Holds the new content with its final owner and mode, on the disk. */
  readonly temporary: string;
  /** @throws Refused when it is no longer the very file that was staged */
  verify(): void;
  /** Replaces the old one; readers see one or the other. */
  commit(): void;
  /** Takes a commit back: the old bytes, owner and mode, or no file if there was none. False if there was no commit. */
  restore(): Promise<boolean>;
  /** Removes what was not committed. */
  discard(): Promise<void>;
}

/**
 * Writes the new content next to the file it will replace. Nothing that anyone reads has changed yet.
 * @throws Misconfigured when the place, the user or the permissions are wrong, TryAgain when the disk is full
 */
export async function stage({ spec, content, place }: PlacedFile, nameOf = temporaryOf): Promise<StagedFile> {
  try {
    const temporary = await writeTemporary(place.target, content, wanted(place), nameOf(place.target));
    return new Staged(spec, temporary, content, place);
  } catch (error) {
    throw explained(spec, error);
  }
}

/** Puts all of them in place at once. */
export function commitAll(files: readonly StagedFile[], onCommit: (path: string) => void = () => {}): void {
  for (const file of files) {
    file.commit();
    onCommit(file.spec.path);
  }
}

/** After this returns a power cut does not undo the commits. */
export async function syncAll(files: readonly StagedFile[]): Promise<void> {
  const directories = new Set(files.map(({ temporary }) => dirname(temporary)));
  await Promise.all([...directories].map(syncDirectory));
}

/** Removes what a crash may have left next to these files. Preflight reports those without a place. */
export async function sweep(specs: readonly Pick<FileSpec, "path">[]): Promise<void> {
  for (const { path } of specs) {
    const target = await targetOf(path).catch(() => path);
    for (const left of [temporaryOf(target), trialOf(target)])
      await rm(left, { force: true }).catch(() => {});
  }
}

/** What the entry leaves open stays as on disk. */
function wanted({ asked: { mode, uid, gid }, there }: Place): Permissions {
  return { mode, uid: uid ?? there?.uid, gid: gid ?? there?.gid };
}

function explained({ path }: FileSpec, cause: unknown): Error {
  if (isAgentError(cause)) return cause;
  const what = `it cannot be written (${messageOf(cause)})`;
  if (isFull(cause))
    return new TryAgain({ where: path, what, cure: "Make room on that file system." }, { cause });
  const cure =
    "Let the agent's user write in that directory and own the file, or set the entry's owner and group.";
  return new Misconfigured({ where: path, what, cure }, { cause });
}

/** Everything about a file but its bytes; equal for no other file that exists at the same time. A link is not followed. */
function identityOf(path: string): string {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return "";
  const { dev, ino, mode, nlink, uid, gid } = found;
  return [dev, ino, mode, nlink, uid, gid].join(" ");
}

function meddled({ path }: FileSpec): Refused {
  return new Refused({
    where: path,
    what: "its check changed or replaced the file it was given, so the old file stays",
    cure: "Let the check (and the gate) only read the file.",
  });
}

class Staged implements StagedFile {
  readonly spec: FileSpec;
  readonly temporary: string;
  readonly #content: string;
  readonly #identity: string;
  readonly #target: string;
  readonly #before: CurrentFile | undefined;
  #renamed = false;

  constructor(spec: FileSpec, temporary: string, content: string, { target, there }: Place) {
    this.spec = spec;
    this.temporary = temporary;
    this.#content = content;
    this.#identity = identityOf(temporary);
    this.#target = target;
    this.#before = there;
  }

  verify(): void {
    const isSame =
      identityOf(this.temporary) === this.#identity && readFileSync(this.temporary, "utf8") === this.#content;
    if (!isSame) throw meddled(this.spec);
  }

  commit(): void {
    renameSync(this.temporary, this.#target);
    this.#renamed = true;
  }

  async restore(): Promise<boolean> {
    if (!this.#renamed) return false;
    if (this.#before === undefined) await rm(this.#target, { force: true });
    else renameSync(await writeTemporary(this.#target, this.#before.bytes, this.#before), this.#target);
    await syncDirectory(dirname(this.#target));
    return true;
  }

  async discard(): Promise<void> {
    await rm(this.temporary, { force: true, recursive: true });
  }
}
