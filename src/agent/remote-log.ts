import type { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import { reveal } from "../base/secret.ts";
import type { Options } from "../options.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import type { SyslogRelay, SyslogTarget } from "../report/syslog-relay.ts";
import type { Evaluation } from "./evaluate.ts";

/** How long to wait for Consul: until then lines are kept, afterwards they go where the environment says. */
const PATIENCE_MS = 5000;

export interface RemoteLogOptions {
  readonly options: Options;
  readonly relay: SyslogRelay;
  readonly evaluation: () => Evaluation | undefined;
  /** Rung when there is a new evaluation: lines go where it says. */
  readonly bell: Bell;
  readonly problems: Problems;
}

/** Sends the log to the current REMOTELOG, and reports if it does not arrive. */
export async function aimRemoteLog(context: RemoteLogOptions, signal: AbortSignal): Promise<void> {
  const { options, relay, evaluation, bell, problems } = context;
  relay.onChange = () => bell.ring();
  const patientUntilMs = steadyMs() + PATIENCE_MS;
  bell.ring();
  while (!signal.aborted) {
    const isPatient = evaluation() === undefined && steadyMs() < patientUntilMs;
    await bell.wait(isPatient ? patientUntilMs : undefined, steadyMs(), signal);
    if (signal.aborted) break;
    const { enabled } = options.config.log.syslog;
    const isKnown = evaluation() !== undefined || steadyMs() >= patientUntilMs;
    const target = enabled ? targetOf(options, evaluation()) : undefined;
    if (!enabled || isKnown) relay.aim(target);
    problems.replace("syslog", complaints(relay.trouble, target));
  }
}

function targetOf({ config, environment, node }: Options, evaluation: Evaluation | undefined) {
  const { settings } = environment;
  const wish = evaluation?.merged.settings.get("REMOTELOG")?.[0] ?? settings.get("REMOTELOG");
  if (wish === undefined) return undefined;
  return { host: reveal(wish.value), port: config.log.syslog.port, node };
}

function complaints(trouble: string | undefined, target: SyslogTarget | undefined): readonly Complaining[] {
  if (trouble === undefined || target === undefined) return [];
  const complaint = {
    where: `REMOTELOG ${target.host}, port ${target.port}`,
    what: `the log cannot be sent there (${trouble}); it is kept for a while, and retried`,
    cure: "It must accept syslog over TCP there (log.syslog.port); or set log.syslog.enabled to false.",
  };
  return [problemOf("syslog_unreachable", complaint)];
}
