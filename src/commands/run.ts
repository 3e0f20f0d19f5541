import { refuseEarly } from "../agent/refuse-early.ts";
import { RefusedConfiguration } from "../agent/refused-configuration.ts";
import { runAgent } from "../agent.ts";
import { ExitCode, Misconfigured, messageOf } from "../base/errors.ts";
import type { Options } from "../options.ts";
import { createLog, type DestinationStream, type Log } from "../report/log.ts";
import type { LogLevel } from "../report/log-levels.ts";
import { journalLine } from "../report/syslog.ts";
import { SyslogRelay } from "../report/syslog-relay.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { Requests } from "./requests.ts";

/** `logLevel` overrides the configuration's. */
export type RunFlags = CommonFlags & { logLevel?: LogLevel };

/**
 * Runs the agent until it is asked to drain. SIGHUP makes it read configuration and environment files again and, if
 * they are good, continue with them; the Consul client and Mastodon's units do not notice.
 */
export async function run(flags: RunFlags, io: Io): Promise<ExitCode> {
  let options = optionsFrom(flags, io);
  let before: Options | undefined;
  await using relay = new SyslogRelay(process.pid);
  const log = await openLog(levelOf(flags, options), io, relay);
  const refused = new RefusedConfiguration(process.pid);
  const requests = new Requests(() => readAgain(flags, io, log, refused), log);
  io.onRequest((request) => requests.take(request));
  for (;;) {
    log.level = levelOf(flags, options);
    const given = { options, log, relay, refused, version: io.version };
    const refusal = await refusalOf(() => runAgent(given, requests.signal));
    if (refusal === undefined) {
      const next = requests.next();
      if (next === undefined) return ExitCode.ok;
      before = options;
      options = next;
    } else if (before === undefined) {
      throw refusal;
    } else {
      log.error({ problem: refusal.message }, "new configuration refused, going back to the old one");
      // What was read meanwhile is the newest, and comes next.
      if (!requests.signal.aborted) refused.refuse(refusal);
      options = before;
      before = undefined;
    }
  }
}

/** Checks what can be checked while the agent runs. The old configuration stays if the new one is bad. */
async function readAgain(
  flags: RunFlags,
  io: Io,
  log: Log,
  refused: RefusedConfiguration,
): Promise<Options | undefined> {
  try {
    const options = optionsFrom(flags, io);
    await refuseEarly(options);
    log.info("configuration read again");
    refused.accept();
    return options;
  } catch (error) {
    log.error({ problem: messageOf(error) }, "configuration not read again, going on with the old one");
    refused.refuse(error);
    return undefined;
  }
}

/** What only the start itself can find: an address in use, other keys in Consul. */
async function refusalOf(round: () => Promise<void>): Promise<Misconfigured | undefined> {
  try {
    await round();
    return undefined;
  } catch (error) {
    if (error instanceof Misconfigured) return error;
    throw error;
  }
}

function levelOf({ logLevel }: RunFlags, { config }: Options): LogLevel {
  return logLevel ?? config.log.level;
}

/** Lines are written at once: a log that lags misleads. */
async function openLog(level: LogLevel, io: Io, relay: SyslogRelay): Promise<Log> {
  const here = await linesFor(io);
  const write = (line: string) => {
    here.write(line);
    relay.write(line);
  };
  return createLog(level, { write });
}

/** JSON lines, with their priority for the journal; or a readable form on a terminal. */
async function linesFor({ isTerminal, isJournal, out }: Io): Promise<DestinationStream> {
  if (isTerminal) return prettyLines();
  return { write: (line) => out(isJournal ? journalLine(line) : line.trimEnd()) };
}

async function prettyLines(): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({ sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" });
}
