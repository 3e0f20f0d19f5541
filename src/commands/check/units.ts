/** The units: whether they are running and healthy, and whether the agent could do what their steps say. */
import { findProgram } from "../../apply/command.ts";
import type { UnitSpec } from "../../apply/config.ts";
import { pidfileOf, type UnitProcess, unitProcess } from "../../apply/pidfile.ts";
import { lookMs, probe } from "../../apply/probe.ts";
import { codeOf, Misconfigured, Unavailable } from "../../base/errors.ts";
import type { Options } from "../../options.ts";
import type { Inspection, Warning } from "./inspection.ts";

const HEALTH_TIMEOUT_MS = 5000;

export function unitInspections({ units, files }: Options): readonly Inspection[] {
  const checkers = files.flatMap(({ spec }) => (spec.check === undefined ? [] : [spec.check]));
  return [
    ...units.flatMap((unit): readonly Inspection[] => [
      [`unit ${unit.name}`, () => unitIsWell(unit)],
      ...programInspection(`unit ${unit.name} commands`, commandsOf(unit)),
    ]),
    ...programInspection("checkers of files", checkers),
  ];
}

async function unitIsWell(unit: UnitSpec): Promise<string | Warning> {
  const pidfile = pidfileOf(unit);
  const found = pidfile === undefined ? undefined : await unitProcess(pidfile);
  if (found?.kind === "absent") return withoutProcess(unit, found);
  if (found?.kind === "alive") refuseUnreachable(unit, found.process.pid);
  const runs = found === undefined ? "" : `runs (pid ${found.process.pid})`;
  if (unit.health === undefined)
    return runs || "it has neither a health check nor a pidfile, so nothing shows whether it is running";
  const answer = await probe(unit.health, lookMs(unit.health, HEALTH_TIMEOUT_MS));
  if (answer.ok) return [runs, "healthy"].filter((text) => text !== "").join(", ");
  if (answer.unit !== "unknown" && found === undefined) return notRunning(unit, answer.reason);
  throw new Unavailable({
    where: where(unit),
    what: `not healthy: ${answer.reason}`,
    cure: "Read its own log.",
  });
}

/** The agent would not start a second one beside what answers, and its signals would reach nothing. */
async function withoutProcess(unit: UnitSpec, { reason, isStale }: Absent): Promise<Warning> {
  const { health } = unit;
  const isPidfile = health === undefined || "pidfile" in health;
  if (!isPidfile && (await probe(health, lookMs(health, HEALTH_TIMEOUT_MS))).ok) {
    const what = `it is healthy, but ${reason}, so nothing can signal it`;
    throw new Unavailable({
      where: where(unit),
      what,
      cure: "Restart it, so that it writes its pidfile again.",
    });
  }
  if (!isStale) return notRunning(unit, reason);
  const what = `it is not running, and its pidfile is stale: ${reason}`;
  const cure = "Read its own log, and start it. If it refuses because of that file, remove the file first.";
  throw new Unavailable({ where: where(unit), what, cure });
}

type Absent = Extract<UnitProcess, { kind: "absent" }>;

/** With `start` steps the agent starts it, once its files are in place. */
function notRunning(unit: UnitSpec, reason: string): Warning {
  const cure =
    unit.start === undefined
      ? "Start it."
      : "If the agent is running, it has already tried to start it: read the unit's own log. Otherwise start the agent.";
  if (unit.start !== undefined)
    return { warning: { where: where(unit), what: `it is not running: ${reason}`, cure } };
  throw new Unavailable({ where: where(unit), what: `it is not running: ${reason}`, cure });
}

/** @throws Misconfigured if it may not be signalled as its steps say */
function refuseUnreachable(unit: UnitSpec, pid: number): void {
  const signals = [unit.reload, unit.restart ?? []].flat().some((step) => "signal" in step);
  if (!signals || maySignal(pid)) return;
  throw new Misconfigured({
    where: where(unit),
    what: `user id ${process.geteuid?.()} may not signal its process ${pid}`,
    cure: "Run the agent as the unit's user, or reload the unit with a run step that uses doas or sudo (packaging/).",
  });
}

/** Signal 0 only checks. */
function maySignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "EPERM";
  }
}

function commandsOf({ reload, restart = [], start = [], health }: UnitSpec): readonly (readonly string[])[] {
  const steps = [...reload, ...restart, ...start].flatMap((step) => ("run" in step ? [step.run] : []));
  return health !== undefined && "run" in health ? [...steps, health.run] : steps;
}

function programInspection(title: string, commands: readonly (readonly string[])[]): readonly Inspection[] {
  return commands.length === 0 ? [] : [[title, () => programsThere(commands)]];
}

async function programsThere(commands: readonly (readonly string[])[]): Promise<string> {
  const names = [...new Set(commands.map(([name = ""]) => name))];
  const places = await Promise.all(names.map(async (name) => [name, await findProgram(name)] as const));
  const [missing, ...others] = places
    .filter(([, place]) => place === undefined)
    .map(([name]) => ({
      where: name,
      what: "there is no such program, or it may not be run",
      cure: "Install it, or correct the configuration. The agent looks where service(8) does, and in /usr/local.",
    }));
  if (missing !== undefined) throw new Misconfigured(missing, { others });
  return places.map(([, place]) => place).join(", ");
}

function where({ name }: UnitSpec): string {
  return `unit ${name}`;
}
