/** After a reload: waiting until the unit is well again, with its new configuration. */
import { TryAgain } from "../base/errors.ts";
import type { UnitSpec } from "./config.ts";
import { pollUntil } from "./poll.ts";
import { probe } from "./probe.ts";

/** puma in the middle of a hot restart takes a request and never answers it. */
const LONGEST_PROBE_MS = 5000;
/** What the last probe gets, however little of the unit's time is left. */
const SHORTEST_PROBE_MS = 500;

/** A program that was asked to reload stops answering with its old self within this time. */
const OLD_SELF_MS = 1000;

export interface HealthContext {
  /** False where the old process was seen to end, or there was none. */
  readonly oldMayAnswer: boolean;
  redact(text: string): string;
}

/**
 * Resolves once the unit is healthy; a unit without a health check is taken at its word.
 *
 * A reload that keeps the process (USR2, HUP, a command) is only begun when its steps are done, so for the
 * first second a good answer may be the old configuration's and does not count.
 * @throws TryAgain with the last thing that was wrong, after the unit's timeout
 */
export async function untilHealthy(unit: UnitSpec, { oldMayAnswer, redact }: HealthContext): Promise<void> {
  const { health } = unit;
  if (health === undefined) return;
  const countsFromMs = performance.now() + (oldMayAnswer ? OLD_SELF_MS : 0);
  // However short the timeout: an answer that counts must have its time.
  const deadlineMs = Math.max(health.timeout, oldMayAnswer ? OLD_SELF_MS + SHORTEST_PROBE_MS : 0);
  let reason = "";
  const healthy = await pollUntil(async (remainingMs) => {
    const counts = performance.now() >= countsFromMs;
    const answer = await probe(health, clamp(remainingMs));
    if (answer.ok) return counts;
    reason = answer.reason;
    return false;
  }, deadlineMs);
  if (healthy) return;
  throw new TryAgain({
    where: `unit ${unit.name}`,
    what: `it is not healthy ${health.timeout / 1000}s after its steps: ${redact(reason)}`,
    cure: "Look into the unit's own log.",
  });
}

function clamp(remainingMs: number): number {
  return Math.max(SHORTEST_PROBE_MS, Math.min(remainingMs, LONGEST_PROBE_MS));
}
