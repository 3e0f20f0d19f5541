import * as z from "zod";

/** What the agent is doing, in one word. */
export const STATES = ["starting", "waiting", "converged", "applying", "held", "degraded", "failed"] as const;
export type State = (typeof STATES)[number];

const candidate = z.object({
  id: z.string(),
  node: z.string(),
  host: z.string(),
  port: z.number(),
  /** Whether it may be chosen now, and why or why not. */
  eligible: z.boolean(),
  reason: z.string(),
});

const endpoint = z.object({
  host: z.string().nullable(),
  port: z.number().nullable(),
  /** Level and place it was taken from. */
  source: z.string().nullable(),
  /** ISO 8601 time since when Mastodon is configured with it. */
  since: z.string().nullable(),
  candidates: z.array(candidate),
});

const watch = z.object({
  name: z.string(),
  index: z.string(),
  /** Seconds since Consul last answered it; null before the first answer. */
  age_seconds: z.number().nullable(),
  problem: z.string().nullable(),
});

const lastChange = z.object({
  at: z.string(),
  cause: z.string(),
  units: z.array(z.string()),
  duration_ms: z.number(),
  outcome: z.enum(["applied", "refused", "failed"]),
});

/** The document behind `/status` and `status --json`. It never holds a secret: only names, places, digests and times. */
export const statusSchema = z.object({
  version: z.string(),
  node: z.string(),
  state: z.enum(STATES),
  /** Why it is in this state, in one sentence. */
  reason: z.string(),
  consul: z.object({ connected: z.boolean(), joined: z.boolean(), members: z.number() }),
  endpoints: z.record(z.string(), endpoint),
  /** Digest of what the sources ask for; null while something is missing. */
  desired: z.string().nullable(),
  /** Digest of what the units are known to run with. */
  applied: z.string().nullable(),
  /** Fingerprints by key file. */
  keys: z.record(z.string(), z.string()),
  /** Names of required settings that no source knows. */
  missing: z.array(z.string()),
  /** Whether each unit runs with what it should. */
  units: z.record(z.string(), z.object({ current: z.boolean() })),
  watches: z.array(watch),
  problems: z.array(z.object({ code: z.string(), message: z.string(), since: z.string() })),
  last_change: lastChange.nullable(),
});

export type Status = z.infer<typeof statusSchema>;
export type EndpointStatus = z.infer<typeof endpoint>;
export type CandidateStatus = z.infer<typeof candidate>;
export type WatchStatus = z.infer<typeof watch>;
export type LastChange = z.infer<typeof lastChange>;
