/** Whether a Postgres accepts writes, asked as Mastodon would: with its user, password, database and TLS mode. */
import pg from "pg";
import * as z from "zod";
import { codeOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { authority, explainNetwork, newSocket } from "./network.ts";
import { type ProbeFailure, type ProbeResult, refused, WRITABLE } from "./result.ts";

export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** libpq's modes (by default `prefer`), and streaming's `no-verify`. */
  readonly sslmode?: string;
  /** PEM file with the authority for `verify-ca` and `verify-full`. */
  readonly caFile?: string;
}

/** Read-only transactions make writes fail, wherever they are set: server, database or role. */
const QUESTION = `select pg_is_in_recovery() as "inRecovery", current_setting('transaction_read_only') = 'on' as "readOnly"`;
const answer = z.tuple([z.object({ inRecovery: z.boolean(), readOnly: z.boolean() })]);

const CLOCK_QUESTION = `select (extract(epoch from clock_timestamp()) * 1000)::float8 as "ms"`;
const clockAnswer = z.tuple([z.object({ ms: z.number() })]);

const UNVERIFIED = { rejectUnauthorized: false };

export async function lookAtPostgres(target: PostgresTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    return judge(await askPostgres(target, QUESTION, signal));
  } catch (error) {
    return explainPostgres(error, target);
  }
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
  const { first, second } = await waysIn(target);
  return query(target, first, question, signal).catch((error: unknown) => {
    if (second === undefined || !dependsOnTls(error)) throw error;
    return query(target, second, question, signal);
  });
}

type Tls = pg.ClientConfig["ssl"];

/** As libpq: `prefer` falls back to no TLS, `allow` to TLS, and only `verify-*` look at the certificate. */
async function waysIn({ sslmode, caFile }: PostgresTarget): Promise<{ first: Tls; second?: Tls }> {
  switch (sslmode ?? "prefer") {
    case "disable":
      return { first: false };
    case "allow":
      return { first: false, second: UNVERIFIED };
    case "prefer":
      return { first: UNVERIFIED, second: false };
    case "verify-ca":
      return { first: { ...(await authority(caFile)), checkServerIdentity: () => undefined } };
    case "verify-full":
      return { first: await authority(caFile) };
    default:
      return { first: UNVERIFIED };
  }
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
    ssl: ssl ?? false,
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
  return explainNetwork(error, "does not answer like Postgres");
}

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
