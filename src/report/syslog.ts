/** Log lines as syslog messages. */
import * as z from "zod";
import { prioritized, SEVERITIES } from "./severity.ts";

/** RFC 5424, 6.2.1: system daemons. */
const FACILITY = 3;
const LONGEST = 8000;

const entry = z
  .object({ level: z.enum(["fatal", "error", "warn", "info", "debug", "trace"]), time: z.iso.datetime() })
  .catch({ level: "info", time: "-" });

/**
 * One message of RFC 5424 in a frame of RFC 6587, 3.4.1 (octet counting). The text is the JSON line as it is, but in
 * ASCII: UTF-8 would have to begin with a byte order mark, which trips JSON readers.
 *
 * @param line of the log, as JSON
 * @param node the host named in the message
 */
export function syslogFrame(line: string, node: string, pid: number): string {
  const { level, time } = entry.parse(parsed(line));
  const priority = FACILITY * 8 + SEVERITIES[level];
  const text = line.trimEnd().replace(NOT_ASCII, escaped).slice(0, LONGEST);
  const message = `<${priority}>1 ${time} ${node} mastodon-agent ${pid} - - ${text}`;
  return `${message.length} ${message}`;
}

/** A log line as the journal takes it: the JSON as it is, after its severity. */
export function journalLine(line: string): string {
  return prioritized(SEVERITIES[entry.parse(parsed(line)).level], line.trimEnd());
}

const NOT_ASCII = /[\u0080-\uffff]/g;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
