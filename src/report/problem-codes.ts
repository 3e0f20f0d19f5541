/** What depends only on a problem's code. */
interface CodeRow {
  /** What ends sooner is not a problem: at a first boot many things are merely not there yet. */
  readonly graceMs?: number;
  /** What was put is not accepted. */
  readonly isRejection?: true;
}

/** Joining takes seconds, and so do the first answers of a client that was just started. */
const JOINING = { graceMs: 5_000 };

/** Every code that a problem may have. A code never changes, because alerts name it; adding one is adding a row. */
const ROWS = {
  announce_denied: {},
  announce_failed: {},
  certificate_expired: {},
  certificate_expiring: {},
  certificate_gone: {},
  certificate_not_issued: {},
  certificate_not_renewed: {},
  certificate_useless: {},
  change_failed: {},
  change_put_back: {},
  change_refused: {},
  configuration_refused: {},
  connection_failing: {},
  consul_client_dies: {},
  consul_client_failed: {},
  consul_denied: {},
  consul_name_conflict: {},
  consul_no_leader: JOINING,
  consul_not_joined: JOINING,
  consul_servers_unreachable: JOINING,
  consul_unreachable: JOINING,
  consul_wrong_gossip_key: {},
  database_not_prepared: { graceMs: 5_000 },
  failover_held: {},
  hold_forgotten: {},
  input_refused: { isRejection: true },
  journal_not_written: {},
  key_changed: {},
  key_missing: {},
  key_not_pinned_one: {},
  key_unreadable: {},
  keys_not_persistent: {},
  keys_too_open: {},
  keys_waiting: { graceMs: 5_000 },
  migrations_pending: {},
  no_candidate: {},
  probe_failed: {},
  render_refused: { isRejection: true },
  setting_missing: { graceMs: 5_000 },
  state_damaged: {},
  state_not_written: {},
  syslog_unreachable: {},
  unit_unhealthy: {},
  watch_failing: JOINING,
} as const satisfies Record<string, CodeRow>;

export type ProblemCode = keyof typeof ROWS;

export const PROBLEM_CODES: readonly ProblemCode[] = Object.keys(ROWS).filter(isProblemCode);

export function codeRow(code: ProblemCode): CodeRow {
  return ROWS[code];
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(ROWS, code);
}
