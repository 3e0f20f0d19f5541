/** Whether a Redis is a master that does what Mastodon needs, asked as Mastodon would: with its user, password and TLS. */
import * as z from "zod";
import type { Secret } from "../base/secret.ts";
import { authority, dial, dialTls, explainNetwork } from "./network.ts";
import { explainError, explainRefusals, INFO, NEEDS, OTHER_MODE } from "./redis-needs.ts";
import { converse, type Reply } from "./resp.ts";
import { type Lineage, type ProbeResult, refused, unreachable } from "./result.ts";

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

const NO_ANSWER = "does not answer like Redis";

/**
 * PING fails while the data set is loading, which ROLE does not. HELLO also gives the role, and everyone may use it,
 * even if a careful operator withholds the permission for ROLE.
 */
const QUESTIONS = [["PING"], ["ROLE"], ["HELLO"]];
const roleAnswer = z.tuple([z.string()], z.unknown());
/** A map in RESP2: names and values alternate. */
const helloAnswer = z
  .array(z.unknown())
  .transform((flat) => new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []))));

export async function lookAtRedis(target: RedisTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    const socket = target.tls
      ? await dialTls(target, await authority(target.caFile), signal)
      : await dial(target, signal);
    const database = target.database ?? 0;
    const select = ["SELECT", String(database)];
    const needs = NEEDS.map(({ command }) => command);
    return judge(await converse(socket, [login(target), select, ...QUESTIONS, ...needs]), database);
  } catch (error) {
    return explainNetwork(error, NO_ANSWER);
  }
}

/** With a name even for the default user: then a Redis without a password accepts any, as with Mastodon's clients. */
function login({ username = "default", password }: RedisTarget): readonly string[] {
  return password === undefined ? ["PING"] : ["AUTH", username, password.reveal()];
}

function judge(replies: readonly Reply[], database: number): ProbeResult {
  const [login, select, ping, role, hello, ...needs] = replies;
  for (const reply of [login, ping]) {
    if (reply === undefined) return unreachable(NO_ANSWER);
    if (reply.kind === "error") return explainError(reply.code);
  }
  const greeting = helloAnswer.safeParse(contentOf(hello)).data;
  const mode = OTHER_MODE.get(greeting?.get("mode"));
  if (mode !== undefined) return mode;
  const told = roleAnswer.safeParse(contentOf(role)).data?.[0] ?? greeting?.get("role");
  if (told === undefined) return refused("not_ready", "does not reveal its role");
  if (told !== "master") return refused("not_writable", "is a replica");
  if (select?.kind === "error" && database > 0)
    return refused("no_such_database", `has no database ${database}, or does not let this user use it`);
  return explainRefusals(needs) ?? { kind: "writable", ...lineageIn(needs.map(contentOf)[INFO]) };
}

function contentOf(reply: Reply | undefined): unknown {
  return reply?.kind === "value" ? reply.value : undefined;
}

const NEVER = /^0*$/;

function lineageIn(info: unknown): { readonly lineage?: Lineage } {
  const facts = new Map(
    String(info)
      .split("\r\n")
      .map((line) => splitAt(line)),
  );
  const [id, previous = ""] = [facts.get("master_replid"), facts.get("master_replid2")];
  return id === undefined ? {} : { lineage: { id, previousId: NEVER.test(previous) ? undefined : previous } };
}

function splitAt(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1)];
}
