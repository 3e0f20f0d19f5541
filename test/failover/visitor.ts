import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** One request and how it ended. */
export interface Visit {
  readonly kind: "answered" | "refused" | "failed";
  /** Status, or the error where there was none. */
  readonly reason: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

/** Someone who asks web for the same thing again and again, each time on a connection of his own. */
export interface Visitor extends AsyncDisposable {
  visits(): readonly Visit[];
  /** The visits that began at or after that moment. */
  since(ms: number): readonly Visit[];
}

const PAUSE_MS = 20;
/** A worker of puma that waits for a database which is gone answers late. */
const PATIENCE_MS = 2_000;

/** Times are those of `performance.now()`. */
export function startVisitor(url: string): Visitor {
  const visits: Visit[] = [];
  const end = new AbortController();
  const done = (async () => {
    while (!end.signal.aborted) {
      visits.push(await visit(url));
      await sleep(PAUSE_MS, undefined, { signal: end.signal }).catch(() => {});
    }
  })();
  return {
    visits: () => visits,
    since: (ms) => visits.filter(({ beganMs }) => beganMs >= ms),
    [Symbol.asyncDispose]: () => {
      end.abort();
      return done;
    },
  };
}

/** No pool: a kept-alive socket that is closed while it is taken up again would count as web's failure. */
function visit(url: string): Promise<Visit> {
  const beganMs = performance.now();
  return new Promise((resolve) => {
    const finish = (kind: Visit["kind"], reason: string) =>
      resolve({ kind, reason, beganMs, endedMs: performance.now() });
    const request = get(url, { agent: false, signal: AbortSignal.timeout(PATIENCE_MS) }, (response) => {
      response.resume();
      const status = String(response.statusCode);
      response.once("end", () => finish(status === "200" ? "answered" : "failed", status));
      response.once("error", (error) => finish("failed", error.message));
    });
    request.once("error", (error) =>
      finish(error.message.includes("ECONNREFUSED") ? "refused" : "failed", error.message),
    );
  });
}
