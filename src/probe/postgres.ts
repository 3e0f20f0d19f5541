/**
 * Whether a Postgres accepts writes, asked as Mastodon would: with its user, password and database, and twice where its
 * two readers of DB_SSLMODE differ. Web and sidekiq connect through libpq, streaming through node-postgres.
 */
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import * as z from "zod";
import { codeOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { explainNetwork, newSocket } from "./network.ts";
import { type ProbeFailure, type ProbeResult, refused, WRITABLE } from "./result.ts";

export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** One of libpq's modes; by default `prefer` for web and sidekiq, and `disable` for streaming. */
  readonly sslmode?: string;
}

/** Read-only transactions make writes fail, wherever they are set: server, database or role. */
const QUESTION = `select pg_is_in_recovery() as "inRecovery", current_setting('transaction_read_only') = 'on' as "readOnly"`;
const answer = z.tuple([z.object({ inRecovery: z.boolean(), readOnly: z.boolean() })]);

const CLOCK_QUESTION = `select (extract(epoch from clock_timestamp()) * 1000)::float8 as "ms"`;
const clockAnswer = z.tuple([z.object({ ms: z.number() })]);

export async function lookAtPostgres(target: PostgresTarget, signal: AbortSignal): Promise<ProbeResult> {
  const rails = await tryWays(target, libpqWays(target), signal);
  const tls = streamingTls(target);
  if (rails.tls === tls || !(rails.result.kind === "writable" || rails.isAboutTls)) return rails.result;
  const streaming = await tryWays(target, [tls], signal);
  if (rails.result.kind === "writable") return forOne(streaming, STREAMING, RAILS);
  return streaming.result.kind === "writable" ? forOne(rails, RAILS, STREAMING) : rails.result;
}

/** The server's clock, in milliseconds since the epoch. @throws what `pg` throws */
export async function askPostgresClock(target: PostgresTarget, signal: AbortSignal): Promise<number> {
  const [{ ms }] = clockAnswer.parse(await askPostgres(target, CLOCK_QUESTION, signal));
  return ms;
}

/** The rows of one query, through the first way in that works. @throws what `pg` throws */
export async function askPostgres(
  target: PostgresTarget,
  question: string,
  signal: AbortSignal,
): Promise<unknown> {
  const { rows } = await throughFirst(target, libpqWays(target), question, signal);
  return rows;
}

type Tls = false | ConnectionOptions;
type Ways = readonly [Tls, Tls?];

/** `prefer` falls back to no TLS, `allow` to TLS, and only `verify-*` look at the certificate; none of it for a socket. */
function libpqWays({ host, sslmode = "prefer" }: PostgresTarget): Ways {
  return (host.startsWith("/") ? undefined : LIBPQ.get(sslmode)) ?? [PLAIN];
}

const PLAIN = false;
const UNVERIFIED = { rejectUnauthorized: false };
const VERIFIED = {};

const LIBPQ: ReadonlyMap<string, Ways> = new Map<string, Ways>([
  ["allow", [PLAIN, UNVERIFIED]],
  ["prefer", [UNVERIFIED, PLAIN]],
  ["require", [UNVERIFIED]],
  ["verify-ca", [{ checkServerIdentity: () => undefined }]],
  ["verify-full", [VERIFIED]],
]);

/** Streaming knows no mode between none and all: it takes every other one for TLS that is verified. */
function streamingTls({ sslmode = "disable" }: PostgresTarget): Tls {
  return sslmode === "disable" ? PLAIN : VERIFIED;
}

interface Reader {
  readonly name: string;
  readonly cure: string;
}

const RAILS: Reader = {
  name: "web and sidekiq (libpq)",
  cure: "Put a DB_SSLMODE that suits both: disable, or verify-full with a certificate that both trust.",
};
const STREAMING: Reader = {
  name: "streaming (node-postgres)",
  cure: "Streaming takes every DB_SSLMODE but disable for verified TLS: delete DB_SSLMODE or put disable, or give the server a certificate that Node trusts (NODE_EXTRA_CA_CERTS of streaming and of the agent).",
};

/** What fails for one of the two only. */
function forOne({ result, isAboutTls }: Tried, failing: Reader, working: Reader): ProbeResult {
  if (result.kind === "writable" || !isAboutTls) return result;
  const reason = `${result.reason}: ${failing.name} could not work with it, ${working.name} could`;
  return { ...result, reason, cure: failing.cure };
}

interface Tried {
  readonly result: ProbeResult;
  /** The way in that worked. */
  readonly tls?: Tls;
  readonly isAboutTls?: boolean;
}

async function tryWays(target: PostgresTarget, ways: Ways, signal: AbortSignal): Promise<Tried> {
  try {
    const { rows, tls } = await throughFirst(target, ways, QUESTION, signal);
    return { result: judge(rows), tls };
  } catch (error) {
    return { result: explainPostgres(error, target), isAboutTls: dependsOnTls(error) };
  }
}

async function throughFirst(
  target: PostgresTarget,
  [first, second]: Ways,
  question: string,
  signal: AbortSignal,
): Promise<{ readonly rows: unknown; readonly tls: Tls }> {
  const through = async (tls: Tls) => ({ rows: await query(target, tls, question, signal), tls });
  return through(first).catch((error: unknown) => {
    if (second === undefined || !dependsOnTls(error)) throw error;
    return through(second);
  });
}

async function query(
  target: PostgresTarget,
  ssl: Tls,
  question: string,
  signal: AbortSignal,
): Promise<unknown> {
  const { host, port, user, database } = target;
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    password: target.password.reveal(),
    ssl,
    application_name: "mastodon-agent",
    // Our own socket, so that it is closed for certain: `client.end()` waits for the server.
    stream: () => newSocket(signal),
  });
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query(question);
  return rows;
}

function judge(rows: unknown): ProbeResult {
  const [{ inRecovery, readOnly }] = answer.parse(rows);
  if (inRecovery) return refused("not_writable", "is a standby (pg_is_in_recovery() is true)");
  return readOnly
    ? refused("not_writable", "makes every transaction read-only (default_transaction_read_only is on)")
    : WRITABLE;
}

/** pg_hba.conf can have rules only for TLS or only for no TLS; pg's own TLS errors carry no code. */
function dependsOnTls(error: unknown): boolean {
  return codeOf(error) === "28000" || hasNoTls(error) || explainNetwork(error, "").kind === "refused";
}

function hasNoTls(error: unknown): boolean {
  return error instanceof Error && /\bSSL connection/.test(error.message);
}

export function explainPostgres(error: unknown, target: PostgresTarget): ProbeFailure {
  if (error instanceof pg.DatabaseError) return explainState(error.code ?? "unknown", target);
  if (hasNoTls(error)) return refused("wrong_tls", "offers no TLS, which DB_SSLMODE requires");
  const failure = explainNetwork(error, "does not answer like Postgres");
  return failure.kind === "refused" ? { ...failure, cure: TRUST } : failure;
}

const TRUST =
  "If an authority of your own signs its certificate, give the agent and streaming that authority in NODE_EXTRA_CA_CERTS, and web and sidekiq in ~/.postgresql/root.crt of Mastodon's user.";

/** SQLSTATEs from PostgreSQL's appendix A. */
function explainState(state: string, { user, database }: PostgresTarget): ProbeFailure {
  switch (state) {
    case "28P01":
      return refused("wrong_credentials", `refuses the password of user "${user}"`);
    case "28000":
      return refused("wrong_credentials", `does not let user "${user}" in from here (role or pg_hba.conf)`);
    case "42501":
      return refused("wrong_credentials", `does not let user "${user}" into database "${database}"`);
    case "3D000":
      return refused("no_such_database", `has no database "${database}"`);
    case "57P03":
    case "57P01":
    case "57P02":
      return refused("not_ready", "is starting up, shutting down or recovering");
    case "53300":
      return refused("not_ready", "has no connection left (max_connections)");
    default:
      return refused("not_ready", `answers with an error (SQLSTATE ${state})`);
  }
}
