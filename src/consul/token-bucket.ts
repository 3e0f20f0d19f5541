import { setTimeout as sleep } from "node:timers/promises";

/** Lets a short burst pass and then one call per interval: a watch that wakes for nothing must not spin. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #intervalMs: number;
  #tokens: number;
  #refilledMs = performance.now();

  constructor(capacity: number, intervalMs: number) {
    this.#capacity = capacity;
    this.#intervalMs = intervalMs;
    this.#tokens = capacity;
  }

  /** Waits for a token. @throws AbortError when the signal aborts meanwhile */
  async take(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#refilledMs) / this.#intervalMs);
    this.#refilledMs = nowMs;
    this.#tokens -= 1;
    if (this.#tokens < 0) await sleep(-this.#tokens * this.#intervalMs, undefined, { signal });
  }
}
