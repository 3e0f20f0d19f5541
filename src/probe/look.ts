/** One deadline for everything a probe does, and nothing left behind. */
import { type ProbeResult, unreachable } from "./result.ts";

export interface Limits {
  /** For the whole probe: name, connection, handshakes and answers. */
  readonly timeoutMs: number;
  /** Things moved on: the answer is no longer wanted. */
  readonly signal: AbortSignal;
}

/**
 * Runs one probe. Its signal is aborted as soon as there is a result, the time is over or the caller aborts: whatever
 * holds a connection must then close it.
 *
 * @throws the reason of the caller's signal, once that is aborted
 */
export async function look(
  { timeoutMs, signal }: Limits,
  probe: (signal: AbortSignal) => Promise<ProbeResult>,
): Promise<ProbeResult> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener("abort", end);
  try {
    const result = await Promise.race([probe(ending.signal), aborted(ending.signal)]);
    signal.throwIfAborted();
    return result === undefined || ending.signal.aborted
      ? unreachable(`does not answer within ${timeoutMs} ms`)
      : result;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Some libraries never settle once their connection is closed under them. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
