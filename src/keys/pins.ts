import type { KeyFileName } from "./names.ts";

/**
 * Where the fingerprints of one domain's keys are pinned, so that every node can tell its keys from other ones.
 * Implemented with Consul's KV; this is only the interface.
 */
export interface PinStore {
  /** Fingerprints pinned so far, by key file name. @throws Unavailable when Consul cannot be asked. */
  read(): Promise<ReadonlyMap<KeyFileName, string>>;
  /** Pins a fingerprint if there is none yet; false if another node was first. @throws Unavailable */
  create(name: KeyFileName, fingerprint: string): Promise<boolean>;
  /** Replaces a pin: an operator's explicit act (`keys adopt`). @throws Unavailable */
  replace(name: KeyFileName, fingerprint: string): Promise<void>;
}
