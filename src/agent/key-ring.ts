import { isAgentError } from "../base/errors.ts";
import { type KeyStorage, keysPinProblems, loadKeys, type PinnedKeys, type PinStore } from "../keys/load.ts";

export interface Keys {
  readonly domain: string;
  readonly values: PinnedKeys;
}

export interface KeyRingContext {
  readonly keyStorage: KeyStorage;
  readonly pinsOf: (domain: string) => PinStore;
}

/** The keys that the agent runs with. They are read once, whatever happens to their files while it runs. */
export class KeyRing {
  readonly #context: KeyRingContext;
  #keys: Keys | undefined;

  constructor(context: KeyRingContext) {
    this.#context = context;
  }

  /** Undefined until they have been read. */
  get keys(): Keys | undefined {
    return this.#keys;
  }

  /** @throws as `loadKeys` does */
  async read(domain: string): Promise<void> {
    const { keyStorage, pinsOf } = this.#context;
    this.#keys = { domain, values: await loadKeys(keyStorage, pinsOf(domain)) };
  }

  /**
   * The same keys, for a domain that may have been put meanwhile.
   *
   * @returns or why not: other keys are pinned for it, or Consul cannot say
   */
  async keysFor(domain: string, keys: Keys): Promise<Keys | Error> {
    if (domain === keys.domain) return keys;
    const { keyStorage, pinsOf } = this.#context;
    try {
      const [refusal] = await keysPinProblems(keyStorage, keys.values, pinsOf(domain));
      if (refusal !== undefined) return new Error(`DOMAIN ${domain}: ${refusal.message}`);
      this.#keys = { ...keys, domain };
      return this.#keys;
    } catch (error) {
      if (isAgentError(error)) return error;
      throw error;
    }
  }
}
