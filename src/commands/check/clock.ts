/** This machine's clock against those of the object storage and of PostgreSQL. The Consul client uses the same clock. */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { postgresTargetOf } from "../../agent/probes.ts";
import { messageOf, Unavailable } from "../../base/errors.ts";
import { askPostgresClock } from "../../probe/postgres.ts";
import { deriveEndpoint, endpointUrl } from "../../settings/derive.ts";
import type { Merged } from "../../settings/merge.ts";
import { targetOf } from "../../settings/targets.ts";
import type { Inspection, Warning } from "./inspection.ts";

const ANSWER_TIMEOUT_MS = 5000;
/** Worth a warning: certificates, sessions and logs begin to disagree. */
const NOTICED_MS = 5000;
/** S3 accepts a signature for 15 minutes, and most clocks that are a minute off drift further. */
const TOO_FAR_MS = 60_000;
/** HTTP's dates have no fractions. */
const SECOND_MS = 1000;

export function clockInspections(merged: Merged): readonly Inspection[] {
  const s3 = deriveEndpoint("s3", merged);
  return [
    ...(s3 === undefined
      ? []
      : [["clock and s3", () => compared(httpClock(endpointUrl(s3)), TOO_FAR_MS)] satisfies Inspection]),
    ...(deriveEndpoint("postgres", merged) === undefined
      ? []
      : [["clock and postgres", () => compared(postgresClock(merged), Infinity)] satisfies Inspection]),
  ];
}

/** Its moment is somewhere between these bounds. */
interface Moment {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @throws Unavailable if the clocks are further apart than that */
async function compared(asking: Promise<Moment>, tooFarMs: number): Promise<string | Warning> {
  const fromMs = Date.now();
  const cure = "Set this machine's clock (service ntpd onestart, or ntpd_sync_on_start), or the server's.";
  try {
    const theirs = await asking;
    const skewMs = skew({ fromMs, toMs: Date.now() }, theirs);
    const seconds = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead of" : "behind"} the server's`;
    const complaint = { where: "clock of this machine", what: `it is ${seconds}`, cure };
    if (Math.abs(skewMs) > tooFarMs) throw new Unavailable(complaint);
    return Math.abs(skewMs) > NOTICED_MS ? { warning: complaint } : "they agree";
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    return {
      warning: {
        where: "clock of the server",
        what: `it could not be read (${messageOf(error)})`,
        cure: "See the server's own line.",
      },
    };
  }
}

/** How far ours is ahead, at least: nothing if both may be the same. */
function skew(ours: Moment, theirs: Moment): number {
  if (ours.fromMs > theirs.toMs) return ours.fromMs - theirs.toMs;
  return ours.toMs < theirs.fromMs ? ours.toMs - theirs.fromMs : 0;
}

/** Every answer has the date, even one to an unsigned request. */
async function httpClock(url: string): Promise<Moment> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  const request = send(url, { method: "HEAD", agent: false, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  const date = await new Promise<string | undefined>((resolve, reject) => {
    request.once("response", (response) => resolve(response.resume().headers.date)).on("error", reject);
    request.end();
  });
  const fromMs = Date.parse(date ?? "");
  if (Number.isNaN(fromMs)) throw new Error("the answer has no date");
  return { fromMs, toMs: fromMs + SECOND_MS };
}

/** The connection is closed by the signal. */
async function postgresClock(merged: Merged): Promise<Moment> {
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const atMs = await askPostgresClock(postgresTargetOf(targetOf("postgres", merged)), signal);
    return { fromMs: atMs, toMs: atMs };
  } finally {
    end.abort();
  }
}
