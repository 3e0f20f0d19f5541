/** The part of the comparison with the pins that needs Consul. */
import { Misconfigured, TryAgain, Unavailable } from "../base/errors.ts";
import type { Key } from "./files.ts";
import type { KeyFileName } from "./names.ts";
import type { PinStore } from "./pins.ts";
import { foreignKey, type PinnedFingerprints } from "./refusals.ts";

export interface Pins {
  /** Undefined if Consul cannot be asked, or it is not known how. */
  readonly store: PinStore | undefined;
  readonly fingerprints: PinnedFingerprints;
  readonly cause: Unavailable | undefined;
}

/** Asks for the pins once; an absent Consul counts as an answer. */
export async function askPins(store: PinStore | undefined): Promise<Pins> {
  if (store === undefined) return { store, fingerprints: undefined, cause: undefined };
  try {
    return { store, fingerprints: await store.read(), cause: undefined };
  } catch (error) {
    if (error instanceof Unavailable) return { store: undefined, fingerprints: undefined, cause: error };
    throw error;
  }
}

/** Pins a key unless one is pinned; `where` is its file. @throws Misconfigured if other keys are pinned; Unavailable */
export async function pinOrCompare(
  store: PinStore,
  name: KeyFileName,
  { fingerprint }: Pick<Key, "fingerprint">,
  where: string,
): Promise<void> {
  if (await store.create(name, fingerprint)) return;
  const pin = (await store.read()).get(name);
  if (pin === undefined)
    throw new TryAgain({
      what: "it could not be pinned, although nothing is pinned for it",
      where,
      cure: "Somebody is changing the pins in Consul right now: start again.",
    });
  if (pin !== fingerprint) throw new Misconfigured(foreignKey(where, fingerprint, pin));
}
