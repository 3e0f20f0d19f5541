/** The mode `child`: the agent runs the Consul client itself, as a process that outlives it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { digest } from "../base/digest.ts";
import { messageOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { Log } from "../report/log.ts";
import { type Complaining, problemOf } from "../report/problems.ts";
import { replace, writeTemporary } from "../state/durable.ts";
import { isAlive, type Process } from "../state/process.ts";
import { ClientLog } from "./client-log.ts";
import { findClient, startClient, stopClient } from "./client-process.ts";
import { moveForeignKeyring } from "./keyring.ts";

export interface ChildOptions {
  readonly binary: string;
  readonly configFile: string;
  /** The agent's state directory: `consul.pid`, `consul.log`, `consul.started` (digest of the configuration it runs with). */
  readonly directory: string;
  readonly dataDir: string;
  readonly gossipKey: Secret;
  readonly log: Log;
  /** Receives every line of the client's log. */
  readonly hear: (line: string) => void;
  /** Receives what is wrong with the client itself: it keeps ending. */
  readonly onProblems?: (problems: readonly Complaining[]) => void;
}

const LOOK_MS = 500;
/** A client that ran for this long has started well: its next death counts as the first again. */
const STEADY_MS = 30_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const DEATHS_OF_A_PROBLEM = 3;

/**
 * Adopts the running client, or starts one, and restarts it whenever it dies, until the signal aborts. Then it is left
 * running: a node must not leave the cluster because its sidecar restarts.
 */
export async function superviseChild(options: ChildOptions, signal: AbortSignal): Promise<void> {
  const { directory, log, hear, onProblems } = options;
  await using clientLog = await ClientLog.open(join(directory, "consul.log"), log, hear);
  let deaths = 0;
  while (!signal.aborted) {
    const steady = () => {
      deaths = 0;
      onProblems?.([]);
    };
    const end = await runOnce(options, clientLog, steady, signal);
    if (signal.aborted) return;
    deaths += 1;
    log.warn({ reason: end, deaths }, "the Consul client ended");
    if (deaths >= DEATHS_OF_A_PROBLEM) onProblems?.([dies(options, deaths, end)]);
    await sleep(pauseMs(deaths), undefined, { signal }).catch(() => {});
  }
}

/** Ends the client that an agent with this state directory has started. */
export async function stopChild(directory: string): Promise<void> {
  const client = await findClient(directory);
  if (client !== undefined) await stopClient(client);
}

/** Returns the last known thing about the client when it is gone, or at the abort. */
async function runOnce(
  options: ChildOptions,
  clientLog: ClientLog,
  steady: () => void,
  signal: AbortSignal,
): Promise<string> {
  try {
    const client = await adoptOrStart(options, clientLog);
    const startedMs = performance.now();
    for (let isSteady = false; !signal.aborted; ) {
      await clientLog.read();
      if (!(await isAlive(client))) break;
      if (!isSteady && performance.now() - startedMs >= STEADY_MS) {
        isSteady = true;
        steady();
      }
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await clientLog.read();
    return clientLog.lastLine;
  } catch (error) {
    return messageOf(error);
  }
}

async function adoptOrStart(options: ChildOptions, clientLog: ClientLog): Promise<Process> {
  const { configFile, directory, log } = options;
  const running = await findClient(directory);
  const wanted = digest(`${configFile}\n${await readFile(configFile, "utf8")}`);
  const record = join(directory, "consul.started");
  if (running !== undefined) {
    if ((await readFile(record, "utf8").catch(() => "")) === wanted) {
      log.info({ pid: running.pid }, "found the Consul client running");
      return running;
    }
    log.info({ pid: running.pid }, "the Consul client restarts, because its configuration has changed");
    await stopClient(running);
  }
  const kept = await moveForeignKeyring(options.dataDir, options.gossipKey);
  if (kept !== undefined) log.info({ kept }, "moved aside a keyring with another gossip key");
  await replace(await writeTemporary(record, wanted, { mode: 0o600 }), record);
  const started = await startClient({ ...options, fd: clientLog.fd });
  log.info({ pid: started.pid }, "started the Consul client");
  return started;
}

/** With jitter, so that a whole fleet does not start in step. */
function pauseMs(deaths: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 1));
  return longest * (0.5 + Math.random() / 2);
}

function dies({ binary, directory }: ChildOptions, deaths: number, end: string): Complaining {
  return problemOf("consul_client_dies", {
    where: `Consul client (${binary})`,
    what: `it exited ${deaths} times soon after its start, the last time with: ${end}`,
    cure: `The agent keeps restarting it; see ${join(directory, "consul.log")}.`,
  });
}
