import { fstatSync } from "node:fs";
import path from "node:path";
import { CommanderError } from "commander";
import metadata from "../package.json" with { type: "json" };
import { codeOf, ExitCode, isAgentError, messageOf, TryAgain } from "./base/errors.ts";
import type { Io } from "./commands/io.ts";
import { buildProgram } from "./commands/program.ts";
import { printed } from "./commands/screen/paint.ts";
import { prioritized, SEVERITIES } from "./report/severity.ts";

/** argv -> command -> exit code. Nothing else touches `process`. */
async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, io);
  }
}

/** One message, one code. A stack trace is only for bugs. */
function report(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (isAgentError(error)) {
    io.err(`mastodon-agent: ${error.message}`);
    return error.exitCode;
  }
  io.err(`mastodon-agent: this is a bug: ${messageOf(error)}`);
  if (error instanceof Error && error.stack !== undefined) io.err(error.stack);
  return ExitCode.bug;
}

/** A second request to end is obeyed at once. */
function onRequest(listener: Parameters<Io["onRequest"]>[0]): void {
  let isDraining = false;
  const drain = () => {
    if (isDraining) process.exit(ExitCode.temporary);
    isDraining = true;
    listener("drain");
  };
  process.on("SIGTERM", drain).on("SIGINT", drain);
  process.on("SIGHUP", () => listener("reload"));
}

/** The reader may stop reading: `mastodon-agent explain | head`. Any other lost output is a failure. */
function endWithoutOutput(error: unknown): void {
  if (codeOf(error) === "EPIPE") process.exit(ExitCode.ok);
  const cure = "Make room, or send the output elsewhere.";
  const { message, exitCode } = new TryAgain({ where: "standard output", what: messageOf(error), cure });
  process.stderr.write(`mastodon-agent: ${message}\n`);
  process.exit(exitCode);
}

/** systemd.exec(5): the variable names the journal's socket; a child's own output may lead elsewhere. */
function isJournal(descriptor: number): boolean {
  const named = process.env["JOURNAL_STREAM"];
  if (named === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return named === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function errorLine(line: string): string {
  return isJournal(process.stderr.fd) ? prioritized(SEVERITIES.error, line) : line;
}

process.stdout.on("error", endWithoutOutput);
// There is nowhere left to report it; the exit code still does.
process.stderr.on("error", () => {});

process.exitCode = await main(process.argv.slice(2), {
  environment: process.env,
  version: metadata.version,
  templates: path.join(import.meta.dirname, "..", "templates"),
  isTerminal: process.stdout.isTTY === true,
  isErrorTerminal: process.stderr.isTTY === true,
  isJournal: isJournal(process.stdout.fd),
  // A terminal that does not know its size says 0.
  size: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
  draw: (text) => process.stdout.write(text),
  out: (line) => process.stdout.write(`${printed(line, process.stdout.isTTY)}\n`),
  err: (line) => process.stderr.write(`${errorLine(printed(line, process.stderr.isTTY))}\n`),
  outliveOutput: () => process.stdout.off("error", endWithoutOutput).on("error", () => {}),
  onRequest,
});
