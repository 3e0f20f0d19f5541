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

/** When to apply, and what it waits for until then. */
export interface Due {
  readonly atMs: number;
  readonly after: "settle" | "interval" | "retry";
}

/**
 * A routine change settles and keeps its interval from the last reload; it is never dropped, because the difference
 * itself waits. An urgent one waits for neither.
 */
export function dueAt(pending: Pending, pace: Pace): Due {
  const { firstSeenMs, lastChangedMs, lastReloadMs, retryAtMs = 0 } = pending;
  const isRoutine = !pending.isUrgent && !pending.isFirst;
  const settledMs = Math.min(lastChangedMs + pace.settleMinMs, firstSeenMs + pace.settleMaxMs);
  const spacedMs = lastReloadMs === undefined ? 0 : lastReloadMs + pace.minIntervalMs;
  const waits: readonly [Due, ...Due[]] = [
    { atMs: isRoutine ? settledMs : firstSeenMs, after: "settle" },
    { atMs: isRoutine ? spacedMs : 0, after: "interval" },
    { atMs: retryAtMs, after: "retry" },
  ];
  return waits.reduce((latest, wait) => (wait.atMs > latest.atMs ? wait : latest));
}

/** Doubles from one second to five minutes. */
export function retryDelayMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 300_000);
}
