/** Runs the commands of the configuration: bounded in time and in output, without a shell and without our environment. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { Socket } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { messageOf } from "../base/errors.ts";

/** The PATH of service(8), with /usr/local. Nothing of the agent's own environment: it holds the jail's secrets. */
const PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin";
export const KEPT_CHARACTERS = 8000;
const TAIL_CHARACTERS = 500;
const KILL_AFTER_MS = 2000;
const LAST_OUTPUT_MS = 200;

export interface CommandResult {
  readonly ok: boolean;
  /** How it ended, in words. */
  readonly ended: string;
  /** Undefined if it did not end by itself, or never started. */
  readonly exitCode?: number;
  /** The end of what it printed, on one line. */
  readonly tail: string;
}

/** Where a program runs, and what is added to the small environment that every program gets. */
export interface Surroundings {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Where a program of the configuration would be found; undefined if it does not exist or may not be run. */
export async function findProgram(name: string): Promise<string | undefined> {
  const places = name.includes("/") ? [name] : PATH.split(":").map((folder) => join(folder, name));
  for (const place of places) {
    const isProgram = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isProgram) return place;
  }
  return undefined;
}

/**
 * Runs a program to its end. After the timeout, or when the signal aborts, it is killed with everything it started in
 * its session. Never rejects.
 */
export async function runCommand(
  argv: readonly string[],
  timeoutMs: number,
  surroundings: Surroundings = { folder: "/", environment: {} },
  signal?: AbortSignal,
): Promise<CommandResult> {
  try {
    const child = start(argv, surroundings);
    const output = collect(child);
    const ended = await endOf(child, timeoutMs, signal);
    return { ...ended, tail: output() };
  } catch (error) {
    return { ok: false, ended: messageOf(error), tail: "" };
  }
}

function start([file = "", ...args]: readonly string[], { folder, environment }: Surroundings): ChildProcess {
  return spawn(file, args, {
    cwd: folder,
    env: { ...leastEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

/** What every program gets. */
export function leastEnvironment(): Readonly<Record<string, string>> {
  return { PATH, HOME: homedir(), LANG: "C.UTF-8" };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      text = (text + chunk).slice(-KEPT_CHARACTERS);
    });
  }
  return () => tailOf(text);
}

/**
 * The end of an output on one line. Whole lines only: the rest of a secret that was cut in two would no longer be
 * recognised.
 */
export function tailOf(text: string): string {
  const lines = stripVTControlCharacters(text).split("\n");
  if (text.length === KEPT_CHARACTERS) lines.shift();
  const tail: string[] = [];
  let length = 0;
  for (const line of lines
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .toReversed()) {
    length += line.length;
    if (length > TAIL_CHARACTERS) break;
    tail.unshift(line);
  }
  return tail.join(" | ");
}

/** A daemon that a command leaves behind may hold the streams for ever, so the end is `exit`, not `close`. */
export async function endOf(
  child: ChildProcess,
  timeoutMs: number,
  aborting?: AbortSignal,
): Promise<Omit<CommandResult, "tail">> {
  const closed = once(child, "close").catch(() => {});
  let late = false;
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    if (late) return;
    late = true;
    signalSession(child, "SIGTERM");
    killing = setTimeout(() => signalSession(child, "SIGKILL"), KILL_AFTER_MS);
  };
  const timer = setTimeout(stop, timeoutMs);
  timer.unref();
  aborting?.addEventListener("abort", stop);
  try {
    const [code, signal] = await once(child, "exit");
    if (late) signalSession(child, "SIGKILL");
    await Promise.race([closed, sleep(LAST_OUTPUT_MS, undefined, { ref: false })]);
    letGo(child);
    if (late) return { ok: false, ended: `still running after ${timeoutMs / 1000}s, so it was stopped` };
    if (signal !== null) return { ok: false, ended: `killed by ${signal}` };
    return { ok: code === 0, ended: `exit code ${code}`, exitCode: code };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    aborting?.removeEventListener("abort", stop);
  }
}

function signalSession({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

/**
 * Streams that a daemon still holds are kept open, so that it does not die of a closed pipe, but they do not keep the
 * process alive.
 */
function letGo(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
}
