/** Whether a unit runs, before anything is done to it. */
import type { UnitSpec } from "./config.ts";
import { pidfileOf, unitProcess } from "./pidfile.ts";
import type { Running } from "./plan.ts";
import { probe } from "./probe.ts";

const PROBE_TIMEOUT_MS = 2000;

/**
 * By the unit's pidfile where its steps or its health name one, else by one health check. What answers
 * without a valid pidfile is not stopped: a second copy must not be started beside it.
 */
export async function isRunning(unit: UnitSpec): Promise<Running> {
  const pidfile = pidfileOf(unit);
  const found = pidfile === undefined ? undefined : await unitProcess(pidfile);
  if (found?.kind === "alive") return "running";
  const { health } = unit;
  if (health === undefined || "pidfile" in health) return found === undefined ? "unknown" : "stopped";
  const answer = await probe(health, Math.min(health.timeout, PROBE_TIMEOUT_MS));
  if (answer.ok) return "running";
  return answer.nobody ? "stopped" : "unknown";
}
