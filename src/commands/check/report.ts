/** How findings are shown: one line each, or one document. */
import { ExitCode } from "../../base/errors.ts";
import type { Io } from "../io.ts";
import { hang } from "../screen/layout.ts";
import { type Paint, paintFor } from "../screen/paint.ts";
import type { Finding } from "./inspection.ts";

export function printFindings(findings: readonly Finding[], io: Io): void {
  const width = io.isTerminal ? io.size().columns : undefined;
  const paint = paintFor(io);
  for (const { title, verdict, messages } of findings) {
    const beginning = `${colourOf(verdict, paint)(verdict.padEnd(5))} `;
    for (const message of messages)
      for (const line of hang(beginning, withTitle(title, message), width)) io.out(line);
  }
}

/** How many there are of each. */
export function summaryOf(findings: readonly Finding[]): { ok: number; warn: number; fail: number } {
  const count = (wanted: Finding["verdict"]) => findings.filter(({ verdict }) => verdict === wanted).length;
  return { ok: count("ok"), warn: count("warn"), fail: count("FAIL") };
}

export function printSummary(findings: readonly Finding[], io: Io): void {
  const { ok, warn, fail } = summaryOf(findings);
  const paint = paintFor(io);
  const verdict = fail > 0 ? paint.red : warn > 0 ? paint.yellow : paint.green;
  io.out(verdict(`${ok} ok, ${warn} to check, ${fail} wrong`));
}

/** That of the first failure. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  return findings.find(({ exitCode }) => exitCode !== ExitCode.ok)?.exitCode ?? ExitCode.ok;
}

/** A failure begins with its place, which may be the title. */
function withTitle(title: string, message: string): string {
  return message.startsWith(`${title}: `) ? message : `${title}: ${message}`;
}

function colourOf(verdict: Finding["verdict"], paint: Paint): (text: string) => string {
  return { ok: paint.green, warn: paint.yellow, FAIL: paint.red }[verdict];
}
