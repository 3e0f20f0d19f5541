import * as z from "zod";
import { addressOf } from "../base/address.ts";
import { releaseCommand } from "./hold.ts";

/** A turn that is waited for: the key of its lock, the node that has it (null: nobody), and since when it is waited for. */
export const turnSchema = z.object({ key: z.string(), holder: z.string().nullable(), since: z.string() });

/**
 * Why what is asked for is not in force. The loop sets it, the status carries it, and it becomes words where a person
 * reads it. Moments are ISO 8601 times.
 *
 * - `start`: Consul's first answers are not there yet, or files and units have not been checked
 * - `missing`: no source knows a setting that Mastodon needs
 * - `keys`: the pinned keys cannot be read yet, or cannot be used for this domain
 * - `hold`: an operator has put changes on hold
 * - `unrenderable`: a file cannot be rendered from what is asked for
 * - `rejected`: it was tried and rolled back; it is not retried before something is put
 * - `settle`: more may be put in a moment
 * - `interval`: units were reloaded a moment ago
 * - `retry`: it was tried and failed, and is retried then
 * - `turn`: another node has the turn to reload; `holder` is null if nobody currently has it
 * - `database`: Mastodon's database does not have what the code needs
 * - `probe`: Mastodon cannot work with the new connection; `reason` is null before the first answer
 * - `applying`: nothing is left to wait for
 * - `round`: it was only just seen
 * - `agent`: no agent is running that could apply it
 */
export const waitingSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start") }),
  z.object({ kind: z.literal("missing"), settings: z.array(z.string()) }),
  z.object({ kind: z.literal("keys"), reason: z.string() }),
  z.object({ kind: z.literal("hold"), keys: z.array(z.string()), reason: z.string() }),
  z.object({ kind: z.literal("unrenderable"), reason: z.string() }),
  z.object({ kind: z.literal("rejected"), reason: z.string() }),
  z.object({ kind: z.literal("settle"), until: z.string() }),
  z.object({ kind: z.literal("interval"), until: z.string() }),
  z.object({ kind: z.literal("retry"), until: z.string(), reason: z.string() }),
  turnSchema.extend({ kind: z.literal("turn") }),
  z.object({ kind: z.literal("database") }),
  z.object({
    kind: z.literal("probe"),
    dependency: z.string(),
    host: z.string(),
    port: z.number(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal("applying") }),
  z.object({ kind: z.literal("round") }),
  z.object({ kind: z.literal("agent"), url: z.string() }),
]);

export type Waiting = Readonly<z.infer<typeof waitingSchema>>;

/** The words that follow "it". @param time how a moment is written for the reader */
export function waitingText(waiting: Waiting, time: (iso: string) => string): string {
  switch (waiting.kind) {
    case "start":
      return "is waiting for the agent's first look at Consul, files and units";
    case "missing":
      return `is waiting until some source has ${waiting.settings.join(", ")}`;
    case "keys":
      return `is waiting for the pinned keys: ${waiting.reason}`;
    case "hold":
      return `is waiting for the end of the hold "${waiting.reason}": \`${releaseCommand(waiting.keys)}\``;
    case "unrenderable":
      return `is waiting until the configuration can be rendered: ${waiting.reason}`;
    case "rejected":
      return `was tried and rolled back, and is not retried until something else is put: ${waiting.reason}`;
    case "settle":
      return `is waiting until ${time(waiting.until)}, in case more is put`;
    case "interval":
      return `is waiting until ${time(waiting.until)}, to keep reload.min_interval after the last reload`;
    case "retry":
      return `will be retried at ${time(waiting.until)}: ${waiting.reason}`;
    case "turn":
      return `has been waiting since ${time(waiting.since)} for this node's turn to reload; ${holderText(waiting)}`;
    case "database":
      return "is waiting until Mastodon's database has what the code needs";
    case "probe":
      return probeText(waiting);
    case "applying":
      return "is being applied";
    case "round":
      return "was only just seen";
    case "agent":
      return `is waiting for an agent: none answers at ${waiting.url}`;
  }
}

type Kind<K extends Waiting["kind"]> = Extract<Waiting, { kind: K }>;

export function holderText({ holder, key }: z.infer<typeof turnSchema>): string {
  return holder === null
    ? `nobody has it now (${key})`
    : `${holder} has it (${key}), for at most 20 s if its agent dies`;
}

function probeText({ dependency, host, port, reason }: Kind<"probe">): string {
  const place = `${dependency} at ${addressOf({ host, port })}`;
  return reason === null
    ? `is waiting for the first probe of ${place}`
    : `is waiting until Mastodon can work with ${place}, which ${reason}`;
}
