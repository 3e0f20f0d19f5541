import type { Notice } from "../report/notice.ts";

/** What follows from a change is over by then. */
const REST_MS = 10_000;

export interface TidyOptions {
  readonly notice: Notice;
  readonly collect: () => void;
  readonly restMs?: number;
}

/**
 * Collects garbage whenever the agent has come to rest. V8 does so when more memory is asked for, and an agent at rest
 * asks for none for hours, so it would keep what the start or the last change left: 4 MB of 64.
 */
export async function tidyAtRest(
  { notice, collect, restMs = REST_MS }: TidyOptions,
  signal: AbortSignal,
): Promise<void> {
  const timer = setTimeout(collect, restMs);
  const unsubscribe = notice.subscribe(() => timer.refresh());
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  unsubscribe();
  clearTimeout(timer);
}

/** Node has it under `--expose-gc`, which the program is started with; without that there is nothing to be done. */
export function collectGarbage(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
