/** What to report about the keys while the agent runs. It only reports: the agent keeps the keys it read. */
import { Misconfigured } from "../base/errors.ts";
import { type Complaining, problemOf } from "../report/problems.ts";
import type { KeyFile } from "./files.ts";
import type { PinnedKeys } from "./load.ts";
import { mountComplaint } from "./mount.ts";
import { tooOpen } from "./permissions.ts";
import { pinOrCompare } from "./pinned.ts";
import type { PinStore } from "./pins.ts";
import { type KeyStorage, keyPath } from "./storage.ts";
import { type KeyFileState, surveyFiles } from "./survey.ts";

/** What changed on disk since the keys were read, and permissions that let others read them. */
export async function keysOnDiskProblems(
  storage: KeyStorage,
  keys: PinnedKeys,
): Promise<readonly Complaining[]> {
  const mount = await mountComplaint(storage);
  const files = [...(await surveyFiles(storage))];
  const open = await tooOpen(storage);
  return [
    ...(mount ? [problemOf("keys_not_persistent", mount)] : []),
    ...files.flatMap(([file, state]) => changes(keyPath(storage, file.name), file, state, keys)),
    ...open.map((complaint) => problemOf("keys_too_open", complaint)),
  ];
}

/**
 * Compares with the pins, and pins what was not pinned because Consul could not be asked at the start.
 * @throws Unavailable when it still cannot
 */
export async function keysPinProblems(
  storage: KeyStorage,
  keys: PinnedKeys,
  pins: PinStore,
): Promise<readonly Complaining[]> {
  const problems: Complaining[] = [];
  // Read first: pinning is a write to Consul's servers, even if it finds an existing pin.
  const pinned = await pins.read();
  for (const [name, fingerprint] of keys.fingerprints) {
    if (pinned.get(name) === fingerprint) continue;
    try {
      await pinOrCompare(pins, name, { fingerprint }, keyPath(storage, name));
    } catch (error) {
      if (!(error instanceof Misconfigured)) throw error;
      problems.push(problemOf("key_not_pinned_one", error.complaint));
    }
  }
  return problems;
}

function changes(
  where: string,
  file: KeyFile,
  state: KeyFileState,
  keys: PinnedKeys,
): readonly Complaining[] {
  if (state.kind === "broken") return [problemOf("key_unreadable", state.complaint)];
  if (state.kind === "missing") return [problemOf("key_missing", { what: "it is gone", where, cure: CURE })];
  if (state.key.fingerprint === keys.fingerprints.get(file.name)) return [];
  const what = "it has changed since it was read";
  return [problemOf("key_changed", { what, where, cure: CURE })];
}

const CURE =
  "The agent keeps the key that it read, which the applied .env.production still has. Put the file back from a backup or another node; without it the agent would refuse to start again.";
