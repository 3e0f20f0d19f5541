import * as z from "zod";
import { OUTCOMES } from "./outcomes.ts";

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

const action = z.object({
  unit: z.string(),
  kind: z.enum(["reload", "restart", "start"]),
  /** Whether the unit was healthy afterwards. */
  ok: z.boolean(),
});

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
  outcome: z.enum(OUTCOMES),
  /** Why it was refused or failed, and what to do; null where it was applied. */
  problem: z.string().nullable(),
  /** The endpoint in use was dead or demoted. */
  urgent: z.boolean(),
  values: z.array(value),
  endpoints: z.array(endpoint),
  /** Those that something was done to. */
  units: z.array(z.string()),
  /** What was carried out, in order, also to roll back. */
  actions: z.array(action),
  /** Paths that were written, and of these the ones that have their old content back. */
  wrote: z.array(z.string()),
  restored: z.array(z.string()),
  /** Of a first apply: what became of the lines that somebody else's `.env.production` had, and where a copy of it is. */
  takeover: z
    .object({ copy: z.string(), carried: z.array(z.string()), removed: z.array(z.string()) })
    .exactOptional(),
  /** From the first step of the apply to the last. */
  duration_ms: z.number(),
  /** Where the time went, in order. Before the apply come `notify`, `settle`, `interval` or `retry`, `turn`, `merge` and `render`. */
  spans: z.array(span),
  /** Digest of what was asked for. */
  desired: z.string().nullable(),
});

export type Change = z.infer<typeof changeSchema>;
export type ValueChange = z.infer<typeof value>;
export type EndpointChange = z.infer<typeof endpoint>;

/** As older versions have written it: what was put back had no name of its own, and actions were those that were planned. */
const older = changeSchema
  .omit({ restored: true })
  .extend({
    outcome: z.enum(["applied", "refused", "failed"]),
    put_back: z.boolean(),
    actions: z.array(action.omit({ ok: true })),
  })
  .transform(({ put_back, outcome, actions, spans, ...change }): Change => {
    const done = actions.flatMap((planned) => {
      const of = spans.filter(({ unit }) => unit === planned.unit);
      return of.length === 0 ? [] : [{ ...planned, ok: of.every(({ ok }) => ok) }];
    });
    const units = [...new Set(done.map(({ unit }) => unit))];
    return { ...change, outcome: put_back ? "put_back" : outcome, actions: done, units, spans, restored: [] };
  });

/** A line of the journal, whichever version has written it. */
export const journalLine = z.union([changeSchema, older]);
