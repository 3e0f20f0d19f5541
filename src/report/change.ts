import * as z from "zod";

const value = z.object({
  name: z.string(),
  /** Null if there was none, or there is none any more; a secret is `[redacted]`. */
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** Level and place that the new value comes from, and its Consul modify index. */
  source: z.string().nullable(),
  index: z.number().nullable(),
});

const endpoint = z.object({
  dependency: z.string(),
  before: z.string().nullable(),
  after: z.string(),
});

const action = z.object({ unit: z.string(), kind: z.enum(["reload", "restart", "start"]) });

const span = z.object({
  stage: z.string(),
  unit: z.string().exactOptional(),
  ms: z.number(),
  ok: z.boolean(),
});

/** One change of Mastodon's configuration, from its cause to its end: a line of the journal. It never holds a secret. */
export const changeSchema = z.object({
  /** ISO 8601 time when it had ended. */
  at: z.string(),
  cause: z.string(),
  outcome: z.enum(["applied", "refused", "failed"]),
  /** Whether the old files were restored. */
  put_back: z.boolean(),
  /** Why it was refused or failed, and what to do; null if it was applied. */
  problem: z.string().nullable(),
  /** The endpoint in use was dead or demoted. */
  urgent: z.boolean(),
  values: z.array(value),
  endpoints: z.array(endpoint),
  units: z.array(z.string()),
  actions: z.array(action),
  /** Paths. */
  wrote: z.array(z.string()),
  /** From the first step of the apply to the last. */
  duration_ms: z.number(),
  /** Where the time went, in order; `notify`, `settle`, `turn`, `merge` and `render` come before the apply. */
  spans: z.array(span),
  /** Digest of what was asked for. */
  desired: z.string().nullable(),
});

export type Change = z.infer<typeof changeSchema>;
export type ValueChange = z.infer<typeof value>;
export type EndpointChange = z.infer<typeof endpoint>;
