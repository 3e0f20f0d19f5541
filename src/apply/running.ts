/** Whether a unit runs, before anything is done to it. */
import type { UnitSpec } from "./config.ts";
import { pidfileOf, unitProcess } from "./pidfile.ts";
import type { Running } from "./plan.ts";
import { lookMs, probe } from "./probe.ts";

const LONGEST_LOOK_MS = 2000;

/**
 * By the unit's pidfile where its steps or its health name one, else by one health check. What answers
 * without a valid pidfile is not stopped: a second copy must not be started beside it.
 *
 * @param isUrgent a command that hangs may not hold up a failover; what it would have said is then unknown
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
