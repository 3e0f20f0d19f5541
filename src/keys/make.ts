import { link, rm } from "node:fs/promises";
import { codeOf, Misconfigured, TryAgain } from "../base/errors.ts";
import { syncDirectory } from "../state/durable.ts";
import { makeDirectory, storageError, writeBeside } from "./disk.ts";
import { generateKey, type Key, type KeyFile } from "./files.ts";
import { pinOrCompare } from "./pinned.ts";
import type { PinStore } from "./pins.ts";
import { foreignKey } from "./refusals.ts";
import { type KeyStorage, keyPath, startedPath } from "./storage.ts";
import { readStarted, stateOf } from "./survey.ts";

/**
 * Creates a missing key, once: for all agents on this storage with link(2), which lets only the first through, and for
 * all nodes of the domain with the pin. The order makes a kill at any instant harmless: the key is complete on disk
 * under its temporary name before it is pinned, and pinned before it gets its own name. The next agent picks up what a
 * killed one leaves.
 *
 * While the file is missing the started one never changes, so that all agents on this storage pin and finish the same
 * key: only an agent that sees the file itself, or sees that the domain has another key, removes it.
 *
 * @throws Misconfigured when another node of the domain was first, or the storage cannot be written; Unavailable
 */
export async function makeKey(storage: KeyStorage, file: KeyFile, pins: PinStore): Promise<Key> {
  try {
    await makeDirectory(storage.directory);
    await offerNewKey(storage, file);
    const state = await stateOf(storage, file);
    if (state.kind === "missing" && state.started !== undefined) {
      await pinStarted(storage, file, state.started, pins);
      return await finish(storage, file, state.started);
    }
    return await useOthers(storage, file, pins);
  } catch (error) {
    throw storageError(error, keyPath(storage, file.name));
  }
}

/** Afterwards there is a started key, this agent's or another's, or another agent has finished its own. */
async function offerNewKey(storage: KeyStorage, file: KeyFile): Promise<void> {
  if ((await readStarted(storage, file)) !== undefined) return;
  const temporary = await writeBeside(keyPath(storage, file.name), generateKey(file).text);
  try {
    await linkUnlessTaken(temporary, startedPath(storage, file.name));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function pinStarted(storage: KeyStorage, file: KeyFile, key: Key, pins: PinStore): Promise<void> {
  // A pinned key must survive a power failure too.
  await syncDirectory(storage.directory);
  try {
    await pinOrCompare(pins, file.name, key, keyPath(storage, file.name));
  } catch (error) {
    // Unavailable leaves open whether it was pinned: then it stays, to be finished.
    if (error instanceof Misconfigured) await removeStarted(storage, file);
    throw error;
  }
}

async function finish(storage: KeyStorage, file: KeyFile, key: Key): Promise<Key> {
  const target = keyPath(storage, file.name);
  await linkUnlessTaken(startedPath(storage, file.name), target);
  await syncDirectory(storage.directory);
  const state = await stateOf(storage, file);
  if (state.kind !== "present") throw takenBack(target);
  // An operator put a file there just now. The pinned key stays under its started name.
  if (state.key.fingerprint !== key.fingerprint)
    throw new Misconfigured(foreignKey(target, state.key.fingerprint, key.fingerprint));
  await removeStarted(storage, file);
  return key;
}

async function useOthers(storage: KeyStorage, file: KeyFile, pins: PinStore): Promise<Key> {
  const where = keyPath(storage, file.name);
  const state = await stateOf(storage, file);
  if (state.kind !== "present") throw takenBack(where);
  await pinOrCompare(pins, file.name, state.key, where);
  await removeStarted(storage, file);
  return state.key;
}

async function removeStarted(storage: KeyStorage, file: KeyFile): Promise<void> {
  await rm(startedPath(storage, file.name), { force: true });
  await syncDirectory(storage.directory);
}

/** EEXIST: another was first. ENOENT: another has finished and removed the started one. */
async function linkUnlessTaken(existing: string, name: string): Promise<void> {
  try {
    await link(existing, name);
  } catch (error) {
    if (codeOf(error) !== "EEXIST" && codeOf(error) !== "ENOENT") throw error;
  }
}

function takenBack(where: string): TryAgain {
  return new TryAgain({
    what: "another agent on this storage started to create it and gave up",
    where,
    cure: "Start again; if other keys are pinned for this domain, the next start will say so.",
  });
}
