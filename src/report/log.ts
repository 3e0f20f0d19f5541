import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "./log-levels.ts";

export type { DestinationStream };
export type Log = Logger;

/** One JSON line per event: a constant sentence plus fields. A `Secret` among the fields prints as redacted. */
export function createLog(level: LogLevel, destination: DestinationStream): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelName } },
    destination,
  );
}

function levelName(label: string): { level: string } {
  return { level: label };
}

/** A log that goes nowhere, for commands that report in their own way. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
