/** From a pidfile to the unit's process, and never to another program that was later given its pid. */
import { open } from "node:fs/promises";
import { type Process, processOf } from "../state/process.ts";
import type { Step, UnitSpec } from "./config.ts";

/** ps counts in seconds, and some programs write their pidfile a moment before the process that it names. */
const SLACK_MS = 2000;

export type UnitProcess =
  | { readonly kind: "alive"; readonly process: Process }
  /** `isStale`: there is a pidfile, left by a process that ended without removing it. */
  | { readonly kind: "absent"; readonly reason: string; readonly isStale: boolean };

/**
 * The process that a pidfile names, if it is alive and older than the file. A process that began after the file was
 * written is another one: the unit ended without removing its file and the pid was reused.
 */
export async function unitProcess(pidfile: string): Promise<UnitProcess> {
  const found = await read(pidfile).catch(() => undefined);
  if (found === undefined) return absent(`there is no readable pidfile ${pidfile}`);
  const { pid, writtenMs } = found;
  if (pid === undefined || pid <= 1) return absent(`${pidfile} names no process`);
  const process = await processOf(pid);
  if (process === undefined) return stale(`the process ${pid} of ${pidfile} is gone`);
  const startedMs = Date.now() - process.ageMs;
  if (startedMs <= writtenMs + SLACK_MS) return { kind: "alive", process };
  const late = Math.round((startedMs - writtenMs) / 1000);
  return stale(
    `the process ${pid} of ${pidfile} began ${late}s after that file was written, so it is a different program`,
  );
}

/** The pidfile that tells whether a unit runs. */
export function pidfileOf({ health, reload, restart }: UnitSpec): string | undefined {
  if (health !== undefined && "pidfile" in health) return health.pidfile;
  return [...reload, ...(restart ?? [])].flatMap(signalledPidfile)[0];
}

async function read(pidfile: string): Promise<{ pid: number | undefined; writtenMs: number }> {
  await using file = await open(pidfile, "r");
  const [text, { mtimeMs }] = await Promise.all([file.readFile("utf8"), file.stat()]);
  const digits = /^\s*(\d+)\s*$/m.exec(text)?.[1];
  return { pid: digits === undefined ? undefined : Number(digits), writtenMs: mtimeMs };
}

function signalledPidfile(step: Step): string[] {
  return "signal" in step ? [step.pidfile] : [];
}

function absent(reason: string): UnitProcess {
  return { kind: "absent", reason, isStale: false };
}

function stale(reason: string): UnitProcess {
  return { kind: "absent", reason, isStale: true };
}
