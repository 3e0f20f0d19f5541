/** After a reload: waiting until the unit is healthy again, with its new configuration. */
import { setTimeout as sleep } from "node:timers/promises";
import { TryAgain } from "../base/errors.ts";
import type { Health, Step, UnitSpec } from "./config.ts";
import { pollUntil } from "./poll.ts";
import { probe } from "./probe.ts";

/** puma in the middle of a hot restart takes a request and never answers it. A command may take all the time that is left. */
const LONGEST_PROBE_MS = 5000;
/** The time for the last probe, however little of the unit's timeout is left. */
const SHORTEST_PROBE_MS = 500;

/** Within this time after a reload the old process no longer answers. */
const OLD_SELF_MS = 1000;
/** puma's plugin tmp_restart looks at its file only every 2 s; then it gets the time of all others, and a second to spare. */
const OLD_SELF_AFTER_TOUCH_MS = 4000;

export interface HealthContext {
  /** How long the old process may still answer; 0 if it was seen to end, or there was none. */
  readonly oldSelfMs: number;
  redact(text: string): string;
}

/** How long after these steps a good answer may come from the old program, if its process stayed. */
export function oldSelfMs(steps: readonly Step[]): number {
  return steps.some((step) => "touch" in step) ? OLD_SELF_AFTER_TOUCH_MS : OLD_SELF_MS;
}

/**
 * Resolves once the unit is healthy; a unit without a health check is assumed to be healthy.
 *
 * A reload that keeps the process (USR2, HUP, touch, a command) has only begun when its steps are done, so at first a
 * good answer may come from the old configuration: the unit is checked, and its timeout begins, after that.
 * @throws TryAgain with the last thing that was wrong, after the unit's timeout
 */
export async function untilHealthy(unit: UnitSpec, { oldSelfMs, redact }: HealthContext): Promise<void> {
  const { health } = unit;
  if (health === undefined) return;
  await sleep(oldSelfMs);
  let reason = "";
  const healthy = await pollUntil(async (remainingMs) => {
    const answer = await probe(health, probeMs(health, remainingMs));
    if (!answer.ok) reason = answer.reason;
    return answer.ok;
  }, health.timeout);
  if (healthy) return;
  throw new TryAgain({
    where: `unit ${unit.name}`,
    what: `it is not healthy ${(oldSelfMs + health.timeout) / 1000}s after its steps: ${redact(reason)}`,
    cure: "Read the unit's own log.",
  });
}

function probeMs(health: Health, remainingMs: number): number {
  const longestMs = "run" in health ? remainingMs : Math.min(remainingMs, LONGEST_PROBE_MS);
  return Math.max(SHORTEST_PROBE_MS, longestMs);
}
