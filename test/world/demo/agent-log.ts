import * as z from "zod";

const entrySchema = z.object({
  time: z.iso.datetime().transform((time) => Date.parse(time)),
  msg: z.string(),
  path: z.string().optional(),
  cause: z.string().optional(),
  units: z.array(z.string()).optional(),
  duration_ms: z.number().optional(),
  code: z.string().optional(),
  problem: z.string().optional(),
});

/** One line of the agent's log; `time` in milliseconds since the epoch. */
export type Entry = z.output<typeof entrySchema>;

/** What the agent has said so far. It tells better than any question when something happened. */
export class AgentLog {
  readonly #entries: Entry[] = [];
  #listener: (entry: Entry) => void = () => {};

  readonly hear = (line: string): void => {
    const entry = entryOf(line);
    if (entry === undefined) return;
    this.#entries.push(entry);
    this.#listener(entry);
  };

  /** Stands for now, in `since`. */
  mark(): number {
    return this.#entries.length;
  }

  /** The first entry with this message after the mark. */
  since(mark: number, message: string): Entry | undefined {
    return this.#entries.slice(mark).find(({ msg }) => msg === message);
  }

  /** From now on, each entry as it comes. */
  follow(listener: (entry: Entry) => void): void {
    this.#listener = listener;
  }
}

function entryOf(line: string): Entry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    // Something else than the log printed it.
    return undefined;
  }
}
