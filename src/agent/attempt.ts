import { type Due, dueAt, type Pace, retryDelayMs } from "./schedule.ts";

/** One desired state on its way to being applied: since when it has been waiting, and how often it failed. */
export class Attempt {
  #digest: string | undefined;
  #firstSeenMs = 0;
  #notifyMs = 0;
  #lastChangedMs = 0;
  #failures = 0;
  #failedMs = 0;
  #retryAtMs: number | undefined;

  /** Milliseconds since the epoch at which this desired state was first seen, or at which it last failed. */
  get waitingSinceMs(): number {
    return this.hasFailed ? this.#failedMs : this.#firstSeenMs;
  }

  /** How long the news had waited for the loop by then. */
  get notifyMs(): number {
    return this.#notifyMs;
  }

  get hasFailed(): boolean {
    return this.#failures > 0;
  }

  /** Notes that this desired state is not in force yet. A new one starts without the old one's failures. */
  see(digest: string, nowMs: number, notifyMs: number): void {
    if (this.#digest === digest) return;
    if (this.#digest === undefined || this.#failures > 0) {
      this.#firstSeenMs = nowMs;
      this.#notifyMs = notifyMs;
    }
    this.#digest = digest;
    this.#lastChangedMs = nowMs;
    this.#failures = 0;
    this.#retryAtMs = undefined;
  }

  failed(nowMs: number): void {
    this.#failures += 1;
    this.#failedMs = nowMs;
    this.#retryAtMs = nowMs + retryDelayMs(this.#failures);
  }

  /** Nothing waits any more. */
  end(): void {
    this.#digest = undefined;
    this.#failures = 0;
    this.#retryAtMs = undefined;
  }

  dueAt(now: { isUrgent: boolean; isFirst: boolean; lastReloadMs: number | undefined }, pace: Pace): Due {
    const { isUrgent, isFirst, lastReloadMs } = now;
    return dueAt(
      {
        isUrgent,
        isFirst,
        lastReloadMs,
        retryAtMs: this.#retryAtMs,
        firstSeenMs: this.#firstSeenMs,
        lastChangedMs: this.#lastChangedMs,
      },
      pace,
    );
  }
}
