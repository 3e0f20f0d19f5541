import { Bell } from "../base/bell.ts";
import type { Notice } from "../report/notice.ts";

/** The consequences of a change are over by then, and little garbage builds up in that time. */
const REST_MS = 120_000;

export interface TidyOptions {
  readonly notice: Notice;
  readonly collect: () => void;
  readonly restMs?: number;
}

/**
 * Collects garbage after each idle period. V8 does so when more memory is requested, and an idle agent requests so
 * little that it would keep for hours what the start, the last change and its heartbeats left: 4 MB of 64 and more.
 */
export async function tidyAtRest(
  { notice, collect, restMs = REST_MS }: TidyOptions,
  signal: AbortSignal,
): Promise<void> {
  const timer = setInterval(collect, restMs);
  const unsubscribe = notice.subscribe(() => timer.refresh());
  await new Bell().wait(undefined, 0, signal);
  unsubscribe();
  clearInterval(timer);
}

/** Node provides it with `--expose-gc`, which the program is started with; without that there is nothing to do. */
export function collectGarbage(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
