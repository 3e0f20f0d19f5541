/** Whether a unit runs, before anything is done to it. */
import type { UnitSpec } from "./config.ts";
import { pidfileOf, unitProcess } from "./pidfile.ts";
import type { Running } from "./plan.ts";
import { lookMs, probe } from "./probe.ts";

const LONGEST_LOOK_MS = 2000;

/**
 * From the unit's pidfile if its steps or its health name one, else from one health check. What answers without a valid
 * pidfile is not stopped: a second copy must not be started beside it.
 *
 * @param isUrgent a hanging command must not hold up a failover; then the result is unknown
 */
export async function isRunning(unit: UnitSpec, isUrgent = false): Promise<Running> {
  const pidfile = pidfileOf(unit);
  const found = pidfile === undefined ? undefined : await unitProcess(pidfile);
  if (found?.kind === "alive") return "running";
  const { health } = unit;
  if (health === undefined || "pidfile" in health) return found === undefined ? "unknown" : "stopped";
  const longestMs = lookMs(health, LONGEST_LOOK_MS);
  const answer = await probe(health, isUrgent ? Math.min(longestMs, LONGEST_LOOK_MS) : longestMs);
  if (answer.ok) return "running";
  return answer.unit === "ill" && found !== undefined ? "stopped" : answer.unit;
}
