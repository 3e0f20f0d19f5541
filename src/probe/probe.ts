/**
 * Probes: whether an endpoint may be used, asked the way Mastodon would use it. Each probes once, within its limits,
 * and leaves nothing open. What a kind of server needs is loaded at its first probe.
 */
import type { ElasticsearchTarget } from "./elasticsearch.ts";
import { type Limits, look } from "./look.ts";
import type { PostgresTarget } from "./postgres.ts";
import type { RedisTarget } from "./redis.ts";
import type { ProbeResult } from "./result.ts";
import type { S3Target } from "./s3.ts";
import type { SmtpTarget } from "./smtp.ts";

/** Writable: it lets the user into the database, is not a standby, and its transactions may write. */
export function probePostgres(target: PostgresTarget, limits: Limits): Promise<ProbeResult> {
  return look(limits, async (signal) => (await import("./postgres.ts")).lookAtPostgres(target, signal));
}

/** Writable: it accepts the user and the password, has loaded its data and is a master. */
export function probeRedis(target: RedisTarget, limits: Limits): Promise<ProbeResult> {
  return look(limits, async (signal) => (await import("./redis.ts")).lookAtRedis(target, signal));
}

/** Writable: it has the bucket and lets the key access it. Whether the key may also write is not tried. */
export function probeS3(target: S3Target, limits: Limits): Promise<ProbeResult> {
  return look(limits, async (signal) => (await import("./s3.ts")).lookAtS3(target, signal));
}

/** Writable: it answers the user. Whether that user may write its indices is not tried. */
export function probeElasticsearch(target: ElasticsearchTarget, limits: Limits): Promise<ProbeResult> {
  return look(limits, async (signal) =>
    (await import("./elasticsearch.ts")).lookAtElasticsearch(target, signal),
  );
}

/** Writable: it greets, supports the requested TLS, accepts the login and the sender. No mail is sent. */
export function probeSmtp(target: SmtpTarget, limits: Limits): Promise<ProbeResult> {
  // Silence at one step times out before the whole, so that the step can be named.
  const patienceMs = Math.ceil(limits.timeoutMs / 2);
  return look(limits, async (signal) => (await import("./smtp.ts")).lookAtSmtp(target, patienceMs, signal));
}
