/** An operator's explicit act: what Mastodon runs with becomes what is pinned. */
import { readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { codeOf, Misconfigured } from "../base/errors.ts";
import { syncDirectory } from "../state/durable.ts";
import { isCrossWired } from "./crosswired.ts";
import { makeDirectory, storageError, writeBeside, writeNew } from "./disk.ts";
import { isUnusual, judgeLiveValues, KEY_FILES, type Key, type KeyFile, printKey } from "./files.ts";
import { type LiveKeys, liveValuesOf, readKeysOf } from "./live.ts";
import type { KeyFileName } from "./names.ts";
import { askPins, type Pins } from "./pinned.ts";
import type { PinStore } from "./pins.ts";
import { backupEnvPath, type KeyStorage, keyPath } from "./storage.ts";
import { type KeyFileState, surveyKeys } from "./survey.ts";

export interface Adoption {
  /** The file whose values were taken over. */
  readonly source: string;
  readonly files: readonly AdoptedFile[];
  /** Where a copy of `.env.production` beside the keys was moved because it has other keys. */
  readonly outdatedCopy: string | undefined;
}

export interface AdoptedFile {
  readonly name: KeyFileName;
  readonly fingerprint: string;
  readonly written: boolean;
  /** Where the previous file is kept. */
  readonly backup: string | undefined;
  /** The file had the three encryption values in other places than Mastodon has them. */
  readonly wasCrossWired: boolean;
  /** Of a form that the agent would not create. */
  readonly isUnusual: boolean;
  readonly pin: "unchanged" | "new" | "replaced" | "not asked";
}

/**
 * Takes the keys of the live `.env.production` over into the key files and the pins. Keys it does not mention stay as
 * they are; a second run changes nothing. Everything is judged before anything is written.
 *
 * @throws Misconfigured when there is nothing to adopt, when the live values are not keys, when the storage is not the
 * persistent one
 */
export async function adopt(storage: KeyStorage, store: PinStore | undefined): Promise<Adoption> {
  const { complaints, live, files } = await surveyKeys(storage);
  const [refusal, ...others] = complaints;
  if (refusal !== undefined) throw new Misconfigured(refusal, { others });
  if (live === undefined) throw nothingToAdopt(storage);
  const keys = judgeLive(live);
  const pins = await askPins(store);
  const adopted: AdoptedFile[] = [];
  for (const [file, key] of keys) {
    const before = files.get(file);
    const { written, backup } = await replaceFile(storage, file, key, before);
    const wasCrossWired = before?.kind === "present" && isCrossWired(before.key, live.values);
    const pin = await replacePin(pins, file.name, key.fingerprint);
    const { name } = file;
    const { fingerprint } = key;
    adopted.push({ name, fingerprint, written, backup, wasCrossWired, isUnusual: isUnusual(file, key), pin });
  }
  return { source: live.file, files: adopted, outdatedCopy: await setOutdatedCopyAside(storage, live) };
}

function judgeLive(live: LiveKeys): ReadonlyMap<KeyFile, Key> {
  const keys = new Map<KeyFile, Key>();
  for (const file of KEY_FILES) {
    const values = liveValuesOf(file, live);
    if (values.size === 0) continue;
    const verdict = judgeLiveValues(file, values);
    if (verdict.kind === "malformed") throw notAdoptable(live.file, file, verdict.defect);
    keys.set(file, verdict.key);
  }
  return keys;
}

async function replaceFile(
  storage: KeyStorage,
  file: KeyFile,
  key: Key,
  before: KeyFileState | undefined,
): Promise<Pick<AdoptedFile, "written" | "backup">> {
  if (before?.kind === "present" && before.key.fingerprint === key.fingerprint)
    return { written: false, backup: undefined };
  const target = keyPath(storage, file.name);
  try {
    await makeDirectory(storage.directory);
    const backup = await keepOld(target);
    const temporary = await writeBeside(target, printKey(file, key));
    await renameOrRemove(temporary, target);
    await syncDirectory(storage.directory);
    return { written: true, backup };
  } catch (error) {
    throw storageError(error, target);
  }
}

/** A copy, so that the file is never missing. */
async function keepOld(target: string): Promise<string | undefined> {
  const backup = backupName(target);
  try {
    await writeNew(backup, await readFile(target));
    return backup;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function renameOrRemove(temporary: string, target: string): Promise<void> {
  try {
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function replacePin(pins: Pins, name: KeyFileName, fingerprint: string): Promise<AdoptedFile["pin"]> {
  if (pins.store === undefined) return "not asked";
  const pin = pins.fingerprints?.get(name);
  if (pin === fingerprint) return "unchanged";
  await pins.store.replace(name, fingerprint);
  return pin === undefined ? "new" : "replaced";
}

/** Otherwise it would contradict the adopted keys when a rebuilt jail has no live file yet. */
async function setOutdatedCopyAside(storage: KeyStorage, live: LiveKeys): Promise<string | undefined> {
  const copy = backupEnvPath(storage);
  const inCopy = await readKeysOf(copy);
  if (inCopy === undefined || [...inCopy.values].every(([name, value]) => live.values.get(name) === value))
    return undefined;
  const aside = backupName(copy);
  await rename(copy, aside);
  return aside;
}

/** `<name>.<UTC time>.bak`, in milliseconds: 20250131T235959.999Z. */
function backupName(file: string): string {
  const time = new Date().toISOString().replaceAll(/[-:]/g, "");
  return path.join(path.dirname(file), `${path.basename(file)}.${time}.bak`);
}

function nothingToAdopt(storage: KeyStorage): Misconfigured {
  return new Misconfigured({
    what: "there is nothing to adopt: it does not exist, or has none of the pinned keys",
    where: storage.liveEnvFile ?? backupEnvPath(storage),
    cure: "Name Mastodon's .env.production as the path of the file `env` in the configuration.",
  });
}

function notAdoptable(where: string, file: KeyFile, defect: string): Misconfigured {
  return new Misconfigured({
    what: `its values for ${file.variables.join(", ")} cannot be adopted: ${defect}`,
    where,
    cure: "Nothing was changed. Put the values that Mastodon has been running with into this file, from a backup of it, and try again.",
  });
}
