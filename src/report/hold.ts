import * as z from "zod";

/** That a hold has begun or ended: a line of the journal beside the changes. */
export const holdEventSchema = z.object({
  /** ISO 8601 time at which the agent saw it. */
  at: z.string(),
  hold: z.enum(["begun", "ended"]),
  /** What the operator has put there. */
  reason: z.string(),
  /** The keys that held. */
  keys: z.array(z.string()),
  /** ISO 8601 time at which it had begun. */
  since: z.string(),
});

export type HoldEvent = z.infer<typeof holdEventSchema>;

/** What ends a hold, to be typed as it is: each key holds on its own. */
export function releaseCommand(keys: readonly string[]): string {
  return keys.map((key) => `consul kv delete ${key}`).join(" && ");
}
