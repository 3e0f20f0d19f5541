/**
 * Says "look again" to the loop. It carries no content: any number of rings before the loop listens count as one, and a
 * ring while the loop is busy is kept for the next wait, so no change is lost.
 */
export class Bell {
  /** The first ring since the last wait, by `performance.now()`. */
  #rungMs: number | undefined;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rungMs ??= performance.now();
    this.#wake?.();
  }

  /**
   * Returns when the bell has rung since the last wait, at the given time, or when the signal aborts.
   *
   * @returns milliseconds since it first rang; 0 if it did not
   */
  async wait(untilMs: number | undefined, nowMs: number, signal: AbortSignal): Promise<number> {
    if (this.#rungMs === undefined && !signal.aborted) await this.#nextRing(untilMs, nowMs, signal);
    const agoMs = this.#rungMs === undefined ? 0 : performance.now() - this.#rungMs;
    this.#rungMs = undefined;
    return agoMs;
  }

  async #nextRing(untilMs: number | undefined, nowMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waitMs = untilMs && Math.min(Math.max(0, untilMs - nowMs), LONGEST_TIMER_MS);
    const timer = waitMs === undefined ? undefined : setTimeout(resolve, waitMs);
    // The signal outlives the wait by weeks: it must not accumulate old listeners.
    const abort = () => resolve();
    signal.addEventListener("abort", abort);
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
    signal.removeEventListener("abort", abort);
    clearTimeout(timer);
  }
}

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
