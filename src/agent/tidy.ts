import { Bell } from "../base/bell.ts";
import type { Notice } from "../report/notice.ts";

/** What follows from a change is over by then, and what gathers in that time is little. */
const REST_MS = 120_000;

export interface TidyOptions {
  readonly notice: Notice;
  readonly collect: () => void;
  readonly restMs?: number;
}

/**
 * Collects garbage when nothing has happened for a while, and again after each such while. V8 does so when more memory
 * is asked for, and an agent at rest asks for so little that it would keep for hours what the start or the last change
 * left, and what its beats leave: 4 MB of 64 and more.
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

/** Node has it under `--expose-gc`, which the program is started with; without that there is nothing to be done. */
export function collectGarbage(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
