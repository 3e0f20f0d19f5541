import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/**
 * Polls, quickly at first and then twice a second, until the answer is yes. False when the time is up; the last poll
 * comes at the very end, so a slow machine gets its chance.
 */
export async function pollUntil(
  ask: (remainingMs: number) => Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const remainingMs = Math.max(1, deadline - performance.now());
    if (await ask(remainingMs)) return true;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(pauseMs, leftMs));
  }
}
