type Truthy<T> = Exclude<T, false | null | undefined | 0 | "">;

const POLL_MS = 25;

/**
 * Waits until the condition answers something truthy and returns that. A condition that throws is asked
 * again; after the deadline the error names what was awaited and the last thing that was wrong.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 15_000,
): Promise<Truthy<T>> {
  const deadline = Date.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (isTruthy(answer)) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= deadline) throw new Error(timeoutMessage(what, deadlineMs, cause), { cause });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function isTruthy<T>(answer: T): answer is Truthy<T> {
  return Boolean(answer);
}

function timeoutMessage(what: string, deadlineMs: number, cause: unknown): string {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return `waited ${deadlineMs} ms in vain for ${what}${reason}`;
}
