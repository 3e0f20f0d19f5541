/** Runs a command that may take hours and must survive the agent's end: its output goes to a file, not to us. */
import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import { type CommandResult, endOf, KEPT_CHARACTERS, leastEnvironment, tailOf } from "./command.ts";
import { accountOf } from "./ownership.ts";

const LOOK_EVERY_MS = 500;

export interface LongCommand {
  readonly argv: readonly string[];
  /** After it the command is killed, with everything it started in its session. */
  readonly timeoutMs: number;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Who it runs as; by default the agent's own user. */
  readonly user: string | undefined;
  /** Created anew, for its owner only: what a program prints may hold a secret. */
  readonly output: string;
}

/**
 * Returns when the command has ended, or when the signal aborts: then the command goes on without us, and the result is
 * undefined. Never rejects.
 *
 * @param onOutput receives the end of the output, on one line, when it changes
 */
export async function runLongCommand(
  command: LongCommand,
  onOutput: (tail: string) => void,
  signal: AbortSignal,
): Promise<CommandResult | undefined> {
  const over = new AbortController();
  try {
    const { ending } = await start(command);
    const following = follow(command.output, onOutput, AbortSignal.any([signal, over.signal]));
    const ended = await Promise.race([ending, following.then(() => undefined)]);
    return ended && { ...ended, tail: await tailIn(command.output) };
  } catch (error) {
    return { ok: false, ended: messageOf(error), tail: "" };
  } finally {
    over.abort();
  }
}

/** The end of a command's output, even one that another agent has started. */
export async function tailIn(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const from = Math.max(0, size - KEPT_CHARACTERS);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(KEPT_CHARACTERS), position: from });
    return tailOf(buffer.toString("utf8", 0, bytesRead));
  } catch {
    return "";
  }
}

async function start({ argv, folder, environment, user, output, timeoutMs }: LongCommand) {
  const [file = "", ...args] = argv;
  const account = user === undefined ? undefined : await accountOf(user, "database.user");
  await using out = await open(output, "w", 0o600);
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...leastEnvironment(), ...(account && { HOME: account.home }), ...environment },
    stdio: ["ignore", out.fd, out.fd],
    detached: true,
    ...(account && process.geteuid?.() === 0 && { uid: account.uid, gid: account.gid }),
  });
  // Listened to before anything else is awaited. The command must not keep the agent from ending.
  const ending = endOf(child, timeoutMs);
  ending.catch(() => {});
  child.unref();
  return { ending };
}

/** Until the signal aborts. */
async function follow(path: string, onOutput: (tail: string) => void, signal: AbortSignal): Promise<void> {
  let last = "";
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    const tail = await tailIn(path);
    if (tail !== last && !signal.aborted) onOutput(tail);
    last = tail;
  }
}
