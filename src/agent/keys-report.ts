import { setTimeout as sleep } from "node:timers/promises";
import { Unavailable } from "../base/errors.ts";
import {
  type KeyStorage,
  keysOnDiskProblems,
  keysPinProblems,
  type PinnedKeys,
  type PinStore,
} from "../keys/load.ts";
import type { Complaining, Problems } from "../report/problems.ts";

const LOOK_EVERY_MS = 60_000;

/** Reports keys that change or vanish on disk while the agent runs with those that it read. Changes nothing. */
export async function reportKeys(
  storage: KeyStorage,
  read: () => { keys: PinnedKeys; pins: PinStore } | undefined,
  problems: Problems,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const known = read();
    if (known !== undefined) {
      problems.replace("keys", [
        ...(await keysOnDiskProblems(storage, known.keys)),
        ...(await pinProblems(storage, known)),
      ]);
    }
    await sleep(known === undefined ? 1000 : LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

async function pinProblems(
  storage: KeyStorage,
  { keys, pins }: { keys: PinnedKeys; pins: PinStore },
): Promise<readonly Complaining[]> {
  try {
    return await keysPinProblems(storage, keys, pins);
  } catch (error) {
    if (error instanceof Unavailable) return [];
    throw error;
  }
}
