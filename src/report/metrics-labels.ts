/** Label values that are known beforehand. Counters with them begin at zero, so that `rate()` sees the first event. */

/** Every code that a problem may have. */
export const PROBLEM_CODES = [
  "announce_denied",
  "announce_failed",
  "certificate_expired",
  "certificate_expiring",
  "certificate_not_issued",
  "certificate_not_renewed",
  "certificate_useless",
  "change_failed",
  "change_put_back",
  "change_refused",
  "consul_client_dies",
  "consul_client_failed",
  "consul_denied",
  "consul_name_conflict",
  "consul_no_leader",
  "consul_not_joined",
  "consul_servers_unreachable",
  "consul_unreachable",
  "consul_wrong_gossip_key",
  "database_not_prepared",
  "input_refused",
  "journal_not_written",
  "key_changed",
  "key_missing",
  "key_not_pinned_one",
  "key_unreadable",
  "keys_not_persistent",
  "keys_too_open",
  "keys_waiting",
  "migrations_pending",
  "no_candidate",
  "probe_failed",
  "render_refused",
  "setting_missing",
  "state_damaged",
  "state_not_written",
  "syslog_unreachable",
  "unit_unhealthy",
  "watch_failing",
] as const;

/** Codes of problems that say: what was put is not taken. */
export const REJECTIONS: readonly string[] = ["input_refused", "render_refused"];

export const CHANGE_OUTCOMES = ["applied", "refused", "failed", "put_back"] as const;
export const UNIT_ACTIONS = ["reload", "restart", "start"] as const;
export const PROBE_RESULTS = ["writable", "refused", "unreachable"] as const;
/** Where the time of a change goes, in order. */
export const STAGES = [
  "notify",
  "settle",
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
