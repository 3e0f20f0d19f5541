/** Label values known in advance. Their counters start at zero, so that `rate()` sees the first event. */

export const UNIT_ACTIONS = ["reload", "restart", "start"] as const;
export const PROBE_RESULTS = ["writable", "refused", "unreachable"] as const;
/** Where the time of a change goes, in order. */
export const STAGES = [
  "notify",
  "settle",
  "interval",
  "retry",
  "turn",
  "merge",
  "render",
  "stage",
  "check",
  "gate",
  "remember",
  "commit",
  "sync",
  "reload",
  "verify",
] as const;
