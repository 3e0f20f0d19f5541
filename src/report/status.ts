import * as z from "zod";
import { changeSchema } from "./change.ts";
import { turnSchema, waitingSchema } from "./waiting.ts";

/** What the agent is doing, in one word. */
export const STATES = [
  "starting",
  "waiting",
  "converged",
  "applying",
  "held",
  "degraded",
  "disconnected",
  "failed",
] as const;
export type State = (typeof STATES)[number];

const candidate = z.object({
  id: z.string(),
  node: z.string(),
  host: z.string(),
  port: z.number(),
  /** Whether it may be chosen now, and why or why not. */
  eligible: z.boolean(),
  reason: z.string(),
  /** The checks that are not passing, with the first line of their output. */
  checks: z.array(z.object({ name: z.string(), status: z.string(), output: z.string() })).default([]),
});

/** What the last probes of the connection in use found, with the credentials in force. */
const check = z.object({
  /** Null if it was not probed: not yet, or probing is off, or Mastodon asks a Sentinel. */
  healthy: z.boolean().nullable(),
  /** What is wrong with it; empty if nothing is. */
  reason: z.string(),
  /** ISO 8601 times: since when it has been healthy or not, and of the last probe. */
  since: z.string().nullable(),
  checked_at: z.string().nullable(),
});

export const NOT_CHECKED = { healthy: null, reason: "", since: null, checked_at: null } as const;

const origin = z
  .object({
    level: z.string(),
    where: z.string(),
    /** Consul's modify index. */
    index: z.number().nullable(),
  })
  .nullable();

const endpoint = z.object({
  host: z.string().nullable(),
  port: z.number().nullable(),
  /** Level and place that the host was taken from. */
  source: z.string().nullable(),
  /** Where host and port came from; null where that is not known. */
  from: z.object({ host: origin, port: origin }).default({ host: null, port: null }),
  /** ISO 8601 time since when Mastodon has been configured with it. */
  since: z.string().nullable(),
  check: check.default(NOT_CHECKED),
  /** Whether Consul has said which instances there are, has not answered yet, or is not asked. */
  catalogue: z.enum(["answered", "unanswered", "unwatched"]).default("answered"),
  candidates: z.array(candidate),
});

const watch = z.object({
  name: z.string(),
  index: z.string(),
  /** Seconds since Consul last answered it; null before the first answer. */
  age_seconds: z.number().nullable(),
  /** ISO 8601 time of that answer. */
  last_answer_at: z.string().nullable(),
  problem: z.string().nullable(),
});

const lastChange = changeSchema.pick({
  at: true,
  cause: true,
  units: true,
  duration_ms: true,
  outcome: true,
});

/** A value and where it comes from; a secret is `[redacted]`. */
const value = z.object({
  level: z.string(),
  value: z.string(),
  where: z.string(),
  /** Consul's modify index. */
  index: z.number().nullable(),
});

const setting = z.object({
  /** A setting, or a variable that no setting feeds. */
  name: z.string(),
  /** The variables that it feeds. */
  feeds: z.array(z.string()),
  /** The units that read it. */
  readers: z.array(z.string()),
  /** ISO 8601 time since when the value in force has been so. */
  since: z.string().nullable(),
  /** What the file and the units have now; null if there is no value. Its parts are null if they were not recorded. */
  in_force: value
    .extend({ level: z.string().nullable(), value: z.string().nullable(), where: z.string().nullable() })
    .nullable()
    .default(null),
  /** Why the value in force is not the one asked for; null if they are the same. */
  waiting: waitingSchema.nullable().default(null),
  /** What was refused under this name, with reason and cure. */
  refused: z.array(z.string()).default([]),
  /** Every source's value in order of precedence: the first is asked for. */
  values: z.array(value),
});

const unit = z.object({
  /** Whether it runs with what it should. */
  current: z.boolean(),
  /** Null if it has no health check, or has not been checked yet. */
  healthy: z.boolean().nullable(),
  /** What is wrong with it; empty if nothing is. */
  reason: z.string(),
  /** ISO 8601 time since when it has been healthy or not. */
  since: z.string().nullable(),
  /** What was last done to it. */
  last_action: z.object({ at: z.string(), kind: z.string(), ok: z.boolean() }).nullable(),
});

const probe = z.object({
  dependency: z.string(),
  host: z.string(),
  port: z.number(),
  /** Whether Mastodon could work with it, and what the probe found. */
  ok: z.boolean(),
  reason: z.string(),
});

const certificate = z.object({
  domain: z.string(),
  /** ISO 8601 time at which it ends; null if there is none. */
  not_after: z.string().nullable(),
  issuer: z.string().nullable(),
  /** Whether the agent manages it; false for an operator's own. */
  is_ours: z.boolean(),
  /** ISO 8601 time at which the agent orders the next one; null if it does not. */
  next_attempt_at: z.string().nullable(),
});

const migration = z.object({
  /** `unknown` before the first look; `ready`: web and sidekiq may be started with the code on disk. */
  state: z.enum(["unknown", "ready", "waiting", "running", "failed"]),
  /** The command of the configuration that runs, or failed; null at rest. */
  step: z.enum(["prepare", "seed", "before", "after"]).nullable(),
  /** Why it is in this state. */
  reason: z.string(),
  /** ISO 8601 time since when it has been in this state, or at this step. */
  since: z.string(),
  /** How many migrations the database lacks: for the code on disk to be started, and for later; null while not known. */
  pending: z.object({ before: z.number(), after: z.number() }).nullable(),
  /** The end of the step's output. */
  output: z.string().nullable(),
});

/** The document behind `/status` and `status --json`. It never holds a secret: only names, places, digests and times. */
export const statusSchema = z.object({
  version: z.string(),
  node: z.string(),
  state: z.enum(STATES),
  /** Why it is in this state, in one sentence. */
  reason: z.string(),
  /** What is in force is what the sources ask for, as far as anybody knows; false from an older agent. */
  ready: z.boolean().default(false),
  /** ISO 8601 times: since when it has been in this state, and since when the agent has been running. */
  since: z.string(),
  started_at: z.string(),
  /** The operator's reason, if changes are on hold. */
  hold: z.string().nullable(),
  /** The keys that hold: deleting all of them ends it. */
  hold_keys: z.array(z.string()).default([]),
  /** ISO 8601 time since when the agent has seen it. */
  hold_since: z.string().nullable().default(null),
  consul: z.object({ connected: z.boolean(), joined: z.boolean(), members: z.number() }),
  endpoints: z.record(z.string(), endpoint),
  /** Digest of what the sources ask for; null while something is missing. */
  desired: z.string().nullable(),
  /** Digest of what the units are known to run with. */
  applied: z.string().nullable(),
  /** Fingerprints by key file. */
  keys: z.record(z.string(), z.string()),
  /** For the domains that nginx serves. */
  certificates: z.array(certificate),
  /** Which node of the site is ordering while this one waits to; null if it does not wait. */
  certificates_turn: turnSchema.nullable().default(null),
  /** Mastodon's database, as code and migrations go; null if the agent does not manage it, or is older than this. */
  migration: migration.nullable().default(null),
  /** Names of required settings that no source knows. */
  missing: z.array(z.string()),
  settings: z.array(setting),
  /** Every rendered file, and the units that read it. */
  files: z.array(z.object({ path: z.string(), units: z.array(z.string()) })),
  units: z.record(z.string(), unit),
  /** What is being probed now, with the last findings. */
  probes: z.array(probe),
  watches: z.array(watch),
  problems: z.array(
    z.object({
      code: z.string(),
      /** What it concerns: a setting, a KV key, a dependency, a file, a unit, a watch; empty from an older agent. */
      about: z.string().default(""),
      message: z.string(),
      since: z.string(),
    }),
  ),
  last_change: lastChange.nullable(),
  /** What is asked for but not in force, and why; null if everything is in force. */
  next_change: z.object({ cause: z.string(), waiting: waitingSchema }).nullable().default(null),
});

export type Status = z.infer<typeof statusSchema>;
export type EndpointStatus = z.infer<typeof endpoint>;
export type CertificateStatus = z.infer<typeof certificate>;
export type MigrationStatus = Readonly<z.infer<typeof migration>>;
export type CandidateStatus = z.infer<typeof candidate>;
export type WatchStatus = z.infer<typeof watch>;
export type SettingStatus = z.infer<typeof setting>;
export type UnitStatus = z.infer<typeof unit>;
export type ProbeStatus = z.infer<typeof probe>;

/** The status without what changes by itself: the ages and indices of watches, and when something was last checked. */
export function lastingPart({ watches, endpoints, ...status }: Status) {
  const checked = Object.entries(endpoints).map(
    ([
      name,
      {
        check: { checked_at: _, ...check },
        ...endpoint
      },
    ]) => [name, { ...endpoint, check }] as const,
  );
  return {
    ...status,
    endpoints: Object.fromEntries(checked),
    watches: watches.map(({ name, problem }) => ({ name, problem })),
  };
}
