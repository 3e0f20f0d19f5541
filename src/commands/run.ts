import { GOES_ON } from "../agent/announcer.ts";
import { runAgent } from "../agent.ts";
import { ExitCode, Misconfigured, messageOf } from "../base/errors.ts";
import type { Options } from "../options.ts";
import { createLog, type DestinationStream, LOG_LEVELS, type Log, type LogLevel } from "../report/log.ts";
import { SyslogRelay } from "../report/syslog-relay.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io, Request } from "./io.ts";

type RunFlags = CommonFlags & { logLevel?: string };

/**
 * Runs the agent until it is asked to drain. SIGHUP reads configuration and environment files again and, if they
 * are good, goes on with them; the Consul client and Mastodon's units do not notice.
 */
export async function run(flags: RunFlags, io: Io): Promise<ExitCode> {
  let options = optionsFrom(flags, io);
  await using relay = new SyslogRelay(process.pid);
  const log = await openLog(levelOf(flags, options), io, relay);
  let round = new AbortController();
  let next: Options | undefined;
  io.onRequest((request: Request) => {
    next = request === "reload" ? readAgain(flags, io, log) : undefined;
    if (request === "drain") log.info("draining");
    if (request === "drain") round.abort();
    else if (next !== undefined) round.abort(GOES_ON);
  });
  for (;;) {
    await runAgent({ options, log, relay, version: io.version }, round.signal);
    if (next === undefined) return ExitCode.ok;
    options = next;
    log.level = levelOf(flags, options);
    next = undefined;
    round = new AbortController();
  }
}

/** The old configuration stays if the new one is not good. */
function readAgain(flags: RunFlags, io: Io, log: Log): Options | undefined {
  try {
    const options = optionsFrom(flags, io);
    log.info("configuration read again");
    return options;
  } catch (error) {
    log.error({ problem: messageOf(error) }, "configuration not read again, going on with the old one");
    return undefined;
  }
}

function levelOf({ logLevel }: RunFlags, { config }: Options): LogLevel {
  const level = logLevel === undefined ? config.log.level : LOG_LEVELS.find((known) => known === logLevel);
  if (level !== undefined) return level;
  throw new Misconfigured({
    where: "--log-level",
    what: `unknown level ${logLevel}`,
    cure: `Known: ${LOG_LEVELS.join(", ")}.`,
  });
}

/** JSON lines, or something for the eye on a terminal. Lines are written at once: a log that lags misleads. */
async function openLog(level: LogLevel, io: Io, relay: SyslogRelay): Promise<Log> {
  const here = io.isTerminal ? await prettyLines() : { write: (line: string) => io.out(line.trimEnd()) };
  const write = (line: string) => {
    here.write(line);
    relay.write(line);
  };
  return createLog(level, { write });
}

async function prettyLines(): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({ sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" });
}
