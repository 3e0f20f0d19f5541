import type { Options } from "../options.ts";
import { certifiedDomains, isLoadable } from "./facts.ts";
import type { Memory } from "./memory.ts";

type Folders = ReadonlyMap<string, string>;

/** The certificates found at the last look. Looking means reading and verifying each, so a round uses what is known. */
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

  /** Those of the last known good that can still be loaded: for the rollback from one that nginx rejects. */
  get lastGood(): Folders {
    return this.#lastGood;
  }

  /**
   * What is no longer on disk is forgotten, or nginx's check would refuse every later change. Only the one nginx runs
   * with is kept until there is another: that it vanished is no reason to go back to plain http.
   *
   * @param inUse those of the last known good
   * @returns whether they have changed
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
