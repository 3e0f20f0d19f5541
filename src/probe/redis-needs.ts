/**
 * What Mastodon needs of a Redis, as commands that change nothing there. They are tried rather than looked up: INFO and ACL
 * DRYRUN ask for permissions that Mastodon's user may well lack, and do not cover everything that refuses a write.
 */
import type { Reply } from "./resp.ts";
import { type ProbeFailure, refused, unreachable } from "./result.ts";

interface Need {
  readonly command: readonly string[];
  /** Errors that say that the command is permitted. */
  readonly fine: readonly string[];
  /** What its refusal means. */
  readonly withheld: string;
}

const OURS = "mastodon-agent:probe";
const NO_SCRIPT = "0".repeat(40);

export const NEEDS: readonly Need[] = [
  {
    // Sidekiq asks for it at its start. It can do without the command, but not with a refusal.
    command: ["INFO", "replication"],
    fine: ["ERR"],
    withheld: "does not let this user run INFO, so Sidekiq does not start",
  },
  {
    // Keys of different users and, in a cluster, of different slots.
    command: ["EXISTS", "feed:home:1", "queues", "rack::attack", "mastodon"],
    fine: [],
    withheld: "does not let this user read every key",
  },
  {
    // Nothing, written to a key that does not exist, does not make it exist; but every check of a write comes before.
    command: ["SETRANGE", OURS, "0", ""],
    fine: [],
    withheld: "does not let this user write",
  },
  {
    command: ["PUBLISH", OURS, ""],
    fine: [],
    withheld: "does not let this user publish to every channel, so timelines do not update",
  },
  {
    command: ["EVALSHA", NO_SCRIPT, "0"],
    fine: ["NOSCRIPT"],
    withheld: "does not let this user run scripts, which Sidekiq and locks need",
  },
];

/** Where the answer to INFO is among those to the needs. */
export const INFO = NEEDS.findIndex(({ command: [name] }) => name === "INFO");

const CLUSTER = refused(
  "not_writable",
  "runs in cluster mode, which Mastodon cannot use",
  "Point Mastodon at a Redis without cluster mode (cluster-enabled no).",
);

/** By the mode that HELLO tells. */
export const OTHER_MODE: ReadonlyMap<unknown, ProbeFailure> = new Map([
  ["sentinel", refused("not_writable", "is a Sentinel, which holds no data")],
  ["cluster", CLUSTER],
]);

const ERRORS: Readonly<Record<string, ProbeFailure>> = {
  WRONGPASS: refused("wrong_credentials", "refuses the user or the password"),
  NOAUTH: refused("wrong_credentials", "requires a password, and none is set"),
  NOPERM: refused("wrong_credentials", "does not even let this user run PING"),
  DENIED: refused("wrong_credentials", "accepts only clients on its own machine (protected mode)"),
  LOADING: refused("not_ready", "is still loading its data"),
  BUSY: refused(
    "not_ready",
    "is busy with a script that does not end",
    "Check that script; SCRIPT KILL ends it.",
  ),
  MASTERDOWN: refused("not_writable", "is a replica that has lost its master"),
  READONLY: refused("not_writable", "is a replica"),
  NOREPLICAS: refused(
    "not_writable",
    "refuses writes: it has fewer replicas than its min-replicas-to-write requires",
    "Bring its replicas back, or lower min-replicas-to-write.",
  ),
  OOM: refused(
    "not_writable",
    "refuses writes: its memory is full (maxmemory, and there is nothing that it may evict)",
    "Raise its maxmemory, or find out what fills it. Leave maxmemory-policy at noeviction: it holds Sidekiq's jobs.",
  ),
  MISCONF: refused(
    "not_writable",
    "refuses writes: its last save to disk failed",
    "Its log says why: free its disk, or let it write to its folder. A BGSAVE that succeeds ends this.",
  ),
  CROSSSLOT: CLUSTER,
  MOVED: CLUSTER,
  ASK: CLUSTER,
  CLUSTERDOWN: CLUSTER,
};

/** What Mastodon's user needs, as Redis spells it. */
const PERMISSIONS =
  "Give it all keys, channels and ordinary commands: ACL SETUSER <user> ~* &* +@all -@admin.";

/** The first of the needs that is refused; undefined if none is. */
export function explainRefusals(replies: readonly Reply[]): ProbeFailure | undefined {
  for (const [at, { command, fine, withheld }] of NEEDS.entries()) {
    const reply = replies[at];
    if (reply === undefined) return unreachable("closes the connection before its last answer");
    if (reply.kind === "value" || fine.includes(reply.code)) continue;
    if (reply.code === "NOPERM") return refused("wrong_credentials", withheld, PERMISSIONS);
    return explainError(reply.code, command[0]);
  }
  return undefined;
}

export function explainError(code: string, command = "PING"): ProbeFailure {
  return ERRORS[code] ?? refused("not_ready", `answers ${command} with an error (${code})`);
}
