/** What the loop knows when it has to decide whether to apply now. Times are milliseconds since the epoch. */
export interface Pending {
  /** When the present difference between desired and applied was first seen. */
  readonly firstSeenMs: number;
  /** When the desired state last changed. */
  readonly lastChangedMs: number;
  /** The endpoint in use is dead or demoted. */
  readonly isUrgent: boolean;
  /** The first apply since the agent's start: nothing runs yet that could be disturbed. */
  readonly isFirst: boolean;
  /** Units were last reloaded at. */
  readonly lastReloadMs: number | undefined;
  /** A failed apply is not retried before this. */
  readonly retryAtMs: number | undefined;
}

export interface Pace {
  /** A burst is over when nothing has changed for this long. */
  readonly settleMinMs: number;
  /** The longest wait for a burst to end. */
  readonly settleMaxMs: number;
  readonly minIntervalMs: number;
}

/**
 * The time at which to apply. A routine change settles and keeps its interval from the last reload; it is never
 * dropped, because the difference itself waits. An urgent one waits for neither.
 */
export function dueAtMs(pending: Pending, pace: Pace): number {
  const settled = Math.min(pending.lastChangedMs + pace.settleMinMs, pending.firstSeenMs + pace.settleMaxMs);
  const spaced = pending.lastReloadMs === undefined ? 0 : pending.lastReloadMs + pace.minIntervalMs;
  const routine = pending.isUrgent || pending.isFirst ? pending.firstSeenMs : Math.max(settled, spaced);
  return Math.max(routine, pending.retryAtMs ?? 0);
}

/** Doubles from one second to five minutes. */
export function retryDelayMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 300_000);
}
