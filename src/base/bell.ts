/**
 * Says "look again" to the loop. It carries no content: any number of rings before the loop listens are one,
 * and a ring while the loop is busy is kept for the next wait, so no change is lost.
 */
export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Returns when the bell has rung since the last wait, at the given time, or when the signal aborts. */
  async wait(untilMs: number | undefined, nowMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) await this.#nextRing(untilMs, nowMs, signal);
    this.#hasRung = false;
  }

  async #nextRing(untilMs: number | undefined, nowMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waitMs = untilMs && Math.min(Math.max(0, untilMs - nowMs), LONGEST_TIMER_MS);
    const timer = waitMs === undefined ? undefined : setTimeout(resolve, waitMs);
    // The signal outlives the wait by weeks: it must not gather what has been waited for.
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
