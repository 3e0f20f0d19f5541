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

  #nextRing(untilMs: number | undefined, nowMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer =
      untilMs === undefined
        ? undefined
        : setTimeout(resolve, Math.min(Math.max(0, untilMs - nowMs), LONGEST_TIMER_MS));
    signal.addEventListener("abort", () => resolve(), { once: true });
    this.#wake = resolve;
    return promise.finally(() => {
      clearTimeout(timer);
      this.#wake = undefined;
    });
  }
}

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
