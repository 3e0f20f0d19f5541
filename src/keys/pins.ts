import type { KeyFileName } from "./names.ts";

/**
 * Where the fingerprints of one domain's keys are pinned, so that every node can tell its keys from foreign ones.
 * Implemented over Consul's KV; here only the wish.
 */
export interface PinStore {
  /** Fingerprints pinned so far, by key file name. @throws Unavailable when Consul cannot be asked. */
  read(): Promise<ReadonlyMap<KeyFileName, string>>;
  /** Pins a fingerprint if none is there yet; false when another node was first. @throws Unavailable */
  create(name: KeyFileName, fingerprint: string): Promise<boolean>;
  /** Replaces a pin: an operator's explicit act (`keys adopt`). @throws Unavailable */
  replace(name: KeyFileName, fingerprint: string): Promise<void>;
}
