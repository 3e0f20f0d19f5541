/** Whether a Redis is a master that serves, asked as Mastodon would: with its user, password and TLS. */
import * as z from "zod";
import type { Secret } from "../base/secret.ts";
import { authority, dial, dialTls, explainNetwork } from "./network.ts";
import { converse, type Reply } from "./resp.ts";
import { type ProbeResult, refused, unreachable, WRITABLE } from "./result.ts";

export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: Secret;
  /** The number of the database; by default 0. */
  readonly database?: number;
  readonly tls?: boolean;
  /** PEM file with the authority of the server's certificate. */
  readonly caFile?: string;
}

const NO_ANSWER = "gives no answer that Redis would give";

/**
 * PING fails while the data set is loading, which ROLE does not. HELLO also gives the role, and everyone may use it,
 * even if a careful operator withholds the permission for ROLE.
 */
const QUESTIONS = [["PING"], ["ROLE"], ["HELLO"]];
const roleAnswer = z.tuple([z.string()], z.unknown());
/** A map in RESP2: names and values alternate. */
const helloAnswer = z.array(z.unknown()).refine((map) => map.includes("role"));

export async function lookAtRedis(target: RedisTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    const socket = target.tls
      ? await dialTls(target, await authority(target.caFile), signal)
      : await dial(target, signal);
    const database = target.database ?? 0;
    const select = ["SELECT", String(database)];
    return judge(await converse(socket, [login(target), ...QUESTIONS, select]), database);
  } catch (error) {
    return explainNetwork(error, NO_ANSWER);
  }
}

/** With a name even for the default user: then a Redis without a password accepts any, as with Mastodon's clients. */
function login({ username = "default", password }: RedisTarget): readonly string[] {
  return password === undefined ? ["PING"] : ["AUTH", username, password.reveal()];
}

function judge([login, ping, role, hello, select]: readonly Reply[], database: number): ProbeResult {
  for (const reply of [login, ping]) {
    if (reply === undefined) return unreachable(NO_ANSWER);
    if (reply.kind === "error") return explain(reply.code);
  }
  switch (roleIn(role, hello)) {
    case "master":
      return select?.kind === "error" && database > 0
        ? refused("no_such_database", `has no database ${database}, or does not let this user use it`)
        : WRITABLE;
    case undefined:
      return refused("not_ready", "does not tell its role");
    case "sentinel":
      return refused("not_writable", "is a Sentinel, which holds no data");
    default:
      return refused("not_writable", "is a replica");
  }
}

function roleIn(role: Reply | undefined, hello: Reply | undefined): unknown {
  const told = roleAnswer.safeParse(contentOf(role));
  if (told.success) return told.data[0];
  const map = helloAnswer.safeParse(contentOf(hello));
  return map.success ? map.data[map.data.indexOf("role") + 1] : undefined;
}

function contentOf(reply: Reply | undefined): unknown {
  return reply?.kind === "value" ? reply.value : undefined;
}

function explain(code: string): ProbeResult {
  switch (code) {
    case "WRONGPASS":
      return refused("wrong_credentials", "refuses the user or the password");
    case "NOAUTH":
      return refused("wrong_credentials", "asks for a password, and none is known");
    case "NOPERM":
      return refused("wrong_credentials", "does not let this user run even PING");
    case "DENIED":
      return refused("wrong_credentials", "takes clients of its own machine only (protected mode)");
    case "LOADING":
      return refused("not_ready", "is still loading its data");
    case "MASTERDOWN":
      return refused("not_writable", "is a replica that has lost its master");
    default:
      return refused("not_ready", `answers with an error (${code})`);
  }
}
