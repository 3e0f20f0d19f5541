/** One look at a unit's health. */
import { once } from "node:events";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { codeOf, messageOf } from "../base/errors.ts";
import { runCommand } from "./command.ts";
import type { Health } from "./config.ts";
import { unitProcess } from "./pidfile.ts";
import type { Running } from "./plan.ts";

/** A program that dies of its configuration usually does so at once: it counts as alive once it has lived this long. */
const STEADY_MS = 1000;

export type Answer =
  | { readonly ok: true }
  /** `unit`: what that says about the unit, if it has no pidfile. */
  | { readonly ok: false; readonly reason: string; readonly unit: Exclude<Running, "running"> };

/** How long one check may take. A command gets the time that the operator gave it; all others answer soon or not at all. */
export function lookMs(health: Health, atMostMs: number): number {
  return "run" in health ? health.timeout : Math.min(health.timeout, atMostMs);
}

/** Checks once. Never rejects, and answers within the timeout; an aborting signal ends a command earlier. */
export async function probe(health: Health, withinMs: number, signal?: AbortSignal): Promise<Answer> {
  // AbortSignal takes no fractions.
  const timeoutMs = Math.ceil(withinMs);
  try {
    if ("http" in health) return await byHttp(health.http, timeoutMs);
    if ("tcp" in health) return await byTcp(health.tcp, timeoutMs);
    if ("pidfile" in health) return await byPidfile(health.pidfile);
    return await byCommand(health.run, timeoutMs, signal);
  } catch (error) {
    const timedOut = error instanceof Error && error.name === "AbortError";
    const reason = timedOut ? `no answer within ${timeoutMs} ms` : messageOf(error);
    return { ok: false, reason, unit: codeOf(error) === "ECONNREFUSED" ? "stopped" : "unknown" };
  }
}

/** A new connection each time: a keep-alive one would still reach the old process. */
async function byHttp(url: string, timeoutMs: number): Promise<Answer> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  const request = send(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) });
  const status = await new Promise<number>((resolve, reject) => {
    request.on("error", reject);
    request.once("response", (response) => {
      resolve(response.statusCode ?? 0);
      response.on("error", () => {}).destroy();
    });
    request.end();
  });
  return status >= 200 && status < 400 ? { ok: true } : sick(`${url} answers with status ${status}`);
}

async function byTcp(address: string, timeoutMs: number): Promise<Answer> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const socket = connect({ host, port: Number(address.slice(colon + 1)) });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(timeoutMs) });
    return { ok: true };
  } finally {
    socket.on("error", () => {});
    socket.destroy();
  }
}

async function byPidfile(pidfile: string): Promise<Answer> {
  const found = await unitProcess(pidfile);
  if (found.kind === "absent") return { ok: false, reason: found.reason, unit: "stopped" };
  return found.process.ageMs >= STEADY_MS
    ? { ok: true }
    : sick(`process ${found.process.pid} has only just started`);
}

/** Only a command that ended by itself says something about the unit. */
async function byCommand(argv: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
  const { ok, ended, exitCode, tail } = await runCommand(argv, timeoutMs, undefined, signal);
  if (ok) return { ok };
  const reason = `${argv.join(" ")}: ${ended}${tail === "" ? "" : `, ${tail}`}`;
  return { ok, reason, unit: exitCode === undefined ? "unknown" : "ill" };
}

function sick(reason: string): Answer {
  return { ok: false, reason, unit: "unknown" };
}
