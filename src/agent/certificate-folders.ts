import type { Options } from "../options.ts";
import { certifiedDomains, isLoadable } from "./facts.ts";
import type { Memory } from "./memory.ts";

type Folders = ReadonlyMap<string, string>;

/** The certificates that were found at the last look: to look means to read and verify each, so a round takes what is known. */
export class CertificateFolders {
  readonly #options: Options;
  #byDomain: Folders = new Map();
  #lastGood: Folders = new Map();

  constructor(options: Options) {
    this.#options = options;
  }

  get byDomain(): Folders {
    return this.#byDomain;
  }

  /** Those of the last known good that can be loaded still: for the way back from one that nginx does not like. */
  get lastGood(): Folders {
    return this.#lastGood;
  }

  /**
   * What is not on disk any more is forgotten, else nginx's check would refuse every change from then on. Only what
   * nginx runs with is named until there is another: that it vanished is no reason to go back to plain http.
   *
   * @param inUse those of the last known good
   * @returns whether there are others than before
   */
  async look(inUse: Memory["certificates"]): Promise<boolean> {
    const before = this.#byDomain;
    const found = await certifiedDomains(this.#options);
    const kept = [...before].filter(([domain, folder]) => inUse[domain] === folder);
    this.#byDomain = new Map([...kept, ...found]);
    this.#lastGood = await loadable(inUse);
    return !isSame(before, this.#byDomain);
  }
}

async function loadable(folders: Memory["certificates"]): Promise<Folders> {
  const found = new Map<string, string>();
  for (const [domain, folder] of Object.entries(folders))
    if (await isLoadable(folder, domain)) found.set(domain, folder);
  return found;
}

function isSame(one: Folders, other: Folders): boolean {
  return one.size === other.size && [...one].every(([domain, folder]) => other.get(domain) === folder);
}
