import { GOES_ON } from "../agent/announcer.ts";
import type { Options } from "../options.ts";
import type { Log } from "../report/log.ts";
import type { Request } from "./io.ts";

/**
 * What signals ask of a running agent, which may take a while to finish an apply. Draining is final; of the
 * configurations read again the newest good one counts.
 */
export class Requests {
  readonly #read: () => Promise<Options | undefined>;
  readonly #log: Log;
  #round = new AbortController();
  #next: Options | undefined;
  #isDraining = false;
  #reading: Promise<void> = Promise.resolve();

  /** @param read gives undefined for a bad configuration, and never fails */
  constructor(read: () => Promise<Options | undefined>, log: Log) {
    this.#read = read;
    this.#log = log;
  }

  /** Aborts when the agent should end, or restart with other options. */
  get signal(): AbortSignal {
    return this.#round.signal;
  }

  take(request: Request): void {
    if (request === "drain") this.#drain();
    // One after the other: a configuration that took long to read must not replace a newer one.
    else this.#reading = this.#reading.then(() => this.#reload());
  }

  /** The options to restart with, under a new signal; undefined: the agent should end. */
  next(): Options | undefined {
    if (this.#isDraining || this.#next === undefined) return undefined;
    const next = this.#next;
    this.#next = undefined;
    this.#round = new AbortController();
    return next;
  }

  #drain(): void {
    this.#isDraining = true;
    this.#log.info("draining");
    this.#round.abort();
  }

  async #reload(): Promise<void> {
    if (this.#isDraining) return;
    const options = await this.#read();
    if (options === undefined) return;
    this.#next = options;
    this.#round.abort(GOES_ON);
  }
}
