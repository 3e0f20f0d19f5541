import type { Options } from "../options.ts";
import { certifiedDomains } from "./facts.ts";

/** The certificates that were found so far: to look means to read and verify each, so a round takes what is known. */
export class CertificateFolders {
  readonly #options: Options;
  #byDomain: ReadonlyMap<string, string> = new Map();

  constructor(options: Options) {
    this.#options = options;
  }

  get byDomain(): ReadonlyMap<string, string> {
    return this.#byDomain;
  }

  /**
   * That a certificate vanishes from the disk is no reason to go back to plain http while the agent runs.
   *
   * @returns whether there is another than before
   */
  async look(): Promise<boolean> {
    const before = this.#byDomain;
    const found = await certifiedDomains(this.#options);
    this.#byDomain = new Map([...before, ...found]);
    return [...found].some(([domain, folder]) => before.get(domain) !== folder);
  }
}
