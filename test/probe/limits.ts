import type { ProbeResult } from "../../src/probe/result.ts";

/** Far more than any answer on loopback takes; a probe that hangs fails its test. */
export function limits(timeoutMs = 20_000) {
  return { timeoutMs, signal: new AbortController().signal };
}

/** The code of a refusal, else the kind. */
export function verdict(result: ProbeResult): string {
  return result.kind === "refused" ? result.code : result.kind;
}
