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
/** A correct pin stays correct until somebody replaces it by hand, and reading them takes one request each. */
const PINS_EVERY_LOOKS = 10;

/** Reports keys that change or vanish on disk while the agent runs with the ones it read. Changes nothing. */
export async function reportKeys(
  storage: KeyStorage,
  read: () => { keys: PinnedKeys; pins: PinStore } | undefined,
  problems: Problems,
  signal: AbortSignal,
): Promise<void> {
  let pins: readonly Complaining[] | undefined;
  for (let looks = 0; !signal.aborted; looks++) {
    const known = read();
    if (known !== undefined) {
      const isRight = pins?.length === 0;
      if (!isRight || looks % PINS_EVERY_LOOKS === 0) pins = await pinProblems(storage, known);
      problems.replace("keys", [...(await keysOnDiskProblems(storage, known.keys)), ...(pins ?? [])]);
    }
    await sleep(known === undefined ? 1000 : LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

/** Undefined while Consul cannot be asked. */
async function pinProblems(
  storage: KeyStorage,
  { keys, pins }: { keys: PinnedKeys; pins: PinStore },
): Promise<readonly Complaining[] | undefined> {
  try {
    return await keysPinProblems(storage, keys, pins);
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}
