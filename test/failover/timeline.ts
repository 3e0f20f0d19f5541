import { setTimeout as sleep } from "node:timers/promises";

/** What happened when, in milliseconds after the beginning. */
export interface Timeline {
  /** When it happened; a second call of the same name changes nothing. */
  note(name: string): void;
  /** Asks again and again, and notes the moment at which the answer is yes for the first time. */
  watch(name: string, condition: () => Promise<boolean>): Promise<void>;
  at(name: string): number | undefined;
  /** One line an event, in the order of time. */
  lines(): string;
}

const POLL_MS = 10;

export function startTimeline(signal: AbortSignal): Timeline {
  const beganMs = performance.now();
  const events = new Map<string, number>();
  const note = (name: string) => {
    if (!events.has(name)) events.set(name, Math.round(performance.now() - beganMs));
  };
  return {
    note,
    watch: async (name, condition) => {
      while (!signal.aborted) {
        if (await condition().catch(() => false)) return note(name);
        await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      }
    },
    at: (name) => events.get(name),
    lines: () =>
      [...events]
        .sort(([, one], [, other]) => one - other)
        .map(([name, ms]) => `${String(ms).padStart(8)} ms  ${name}`)
        .join("\n"),
  };
}
