/** The pinned keys, for everyone outside this folder: read at the start, created if this is the very first start. */
import { type Complaint, Misconfigured, TryAgain, Unavailable } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { generateKey, type Key, type KeyFile } from "./files.ts";
import { makeKey } from "./make.ts";
import { KEY_VARIABLES, type KeyFileName, type KeyVariable } from "./names.ts";
import { askPins, type Pins, pinOrCompare } from "./pinned.ts";
import type { PinStore } from "./pins.ts";
import { refusals } from "./refusals.ts";
import { type KeyStorage, keyPath } from "./storage.ts";
import { type KeySurvey, surveyKeys } from "./survey.ts";
import { sweep } from "./sweep.ts";

export type { KeyFileName, KeyVariable } from "./names.ts";
export type { PinStore } from "./pins.ts";
export { keysOnDiskProblems, keysPinProblems } from "./problems.ts";
export type { KeyStorage } from "./storage.ts";

export interface PinnedKeys {
  /** The seven variables with their values, in the order in which they are rendered. */
  readonly variables: ReadonlyMap<KeyVariable, Secret>;
  readonly fingerprints: ReadonlyMap<KeyFileName, string>;
}

/**
 * Reads the keys, creates the missing ones once, verifies them and pins what is not pinned yet. Existing keys need no
 * Consul.
 *
 * @throws Misconfigured for each refusal of the contract, having changed nothing
 * @throws TryAgain, Unavailable when keys would have to be created, but Consul cannot be asked
 */
export async function loadKeys(storage: KeyStorage, store: PinStore | undefined): Promise<PinnedKeys> {
  const { pins, survey } = await verified(storage, store);
  const keys = new Map([...(await pinPresent(survey, pins)), ...(await makeMissing(survey, pins))]);
  if (pins.store !== undefined) await sweep(storage);
  return pinnedKeys(keys);
}

/** The keys as a start would find or create them. */
export interface KeyPreview {
  /** Missing ones have values here that are used nowhere else. */
  readonly keys: PinnedKeys;
  readonly missing: readonly KeyFileName[];
}

/**
 * What `loadKeys` would return, without changing anything.
 *
 * @throws as `loadKeys` does
 */
export async function previewKeys(storage: KeyStorage, store: PinStore | undefined): Promise<KeyPreview> {
  const { pins, survey } = await verified(storage, store);
  const keys = new Map<KeyFile, Key>();
  const missing: KeyFileName[] = [];
  for (const [file, state] of survey.files) {
    if (state.kind === "present") keys.set(file, state.key);
    if (state.kind !== "missing") continue;
    if (pins.store === undefined) throw cannotAsk(keyPath(storage, file.name), pins.cause);
    missing.push(file.name);
    keys.set(file, state.started ?? generateKey(file).key);
  }
  return { keys: pinnedKeys(keys), missing };
}

/** @throws Misconfigured for each refusal of the contract */
async function verified(storage: KeyStorage, store: PinStore | undefined) {
  // Before the files are read: whatever pins a key already has it on disk.
  const pins = await askPins(store);
  const survey = await surveyKeys(storage);
  const [refusal, ...others] = refusals(survey, pins.fingerprints);
  if (refusal !== undefined) throw new Misconfigured(refusal, { others });
  return { pins, survey };
}

async function pinPresent(
  { storage, files }: KeySurvey,
  { store, fingerprints }: Pins,
): Promise<ReadonlyMap<KeyFile, Key>> {
  const present = new Map(
    [...files].flatMap(([file, state]) => (state.kind === "present" ? [[file, state.key]] : [])),
  );
  if (store === undefined) return present;
  try {
    for (const [file, key] of present) {
      // Pinning is a write to Consul's servers, even if it finds an existing pin.
      const isPinned = fingerprints?.get(file.name) === key.fingerprint;
      if (!isPinned) await pinOrCompare(store, file.name, key, keyPath(storage, file.name));
    }
  } catch (error) {
    // It went away between two queries. Existing keys need no Consul.
    if (!(error instanceof Unavailable)) throw error;
  }
  return present;
}

async function makeMissing({ storage, files }: KeySurvey, pins: Pins): Promise<ReadonlyMap<KeyFile, Key>> {
  const made = new Map<KeyFile, Key>();
  // One after the other, in the order of the table: of two nodes that start together the same one wins every key.
  for (const [file, { kind }] of files) {
    if (kind !== "missing") continue;
    if (pins.store === undefined) throw cannotAsk(keyPath(storage, file.name), pins.cause);
    made.set(file, await makeKey(storage, file, pins.store));
  }
  return made;
}

function cannotAsk(where: string, cause: Unavailable | undefined): TryAgain | Unavailable {
  const complaint: Complaint = {
    what: "it is missing, and new keys are created only while Consul can be asked whether this domain already has keys",
    where,
    cure: `Start Consul, or copy the key files from another node of this domain.${cause ? ` (${cause.message})` : ""}`,
  };
  return cause === undefined ? new TryAgain(complaint) : new Unavailable(complaint, { cause });
}

function pinnedKeys(keys: ReadonlyMap<KeyFile, Key>): PinnedKeys {
  const values = new Map([...keys.values()].flatMap((key) => [...key.values]));
  return {
    variables: new Map(
      KEY_VARIABLES.flatMap((name) => {
        const value = values.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    fingerprints: new Map([...keys].map(([file, key]) => [file.name, key.fingerprint])),
  };
}
