/** The step that signals a unit's process, and no other. */
import { codeOf, messageOf } from "../base/errors.ts";
import type { Log } from "../report/log.ts";
import { childrenOf } from "../state/children.ts";
import { isAlive, type Process } from "../state/process.ts";
import type { SignalStep } from "./config.ts";
import { unitProcess } from "./pidfile.ts";
import { pollUntil } from "./poll.ts";
import { DONE, failed, STEP_TIMEOUT_MS, type StepResult } from "./step-result.ts";

/** These end a program; any other signal leaves it running with the same pid. */
const ENDING = ["TERM", "INT", "QUIT", "KILL"];

/** The kernel needs a moment to end what was killed. */
const KILLED_MS = 2000;

export interface Signalling {
  readonly unit: string;
  readonly log: Log;
  /** By pidfile the process that the first signal went to: the later ones of the same steps are meant for it alone. */
  readonly signalled: Map<string, Process>;
}

export async function signal(step: SignalStep, signalling: Signalling): Promise<StepResult> {
  const { signal: name, pidfile, timeout: timeoutMs = STEP_TIMEOUT_MS, drain: drainMs } = step;
  const { signalled } = signalling;
  const first = signalled.get(pidfile);
  const found = await unitProcess(pidfile);
  // Sidekiq that still waits for Redis ends when it is told to become quiet.
  if (first !== undefined && ENDING.includes(name) && !(await isAlive(first))) return { kind: "ended" };
  if (found.kind === "absent") {
    return failed(
      `${found.reason}; nothing was signalled`,
      "Start the unit; if it is running, make it write its pidfile again (touch the file if the clock was set forward since).",
    );
  }
  if (first === undefined) signalled.set(pidfile, found.process);
  const children = drainMs === undefined ? [] : await childrenOf(found.process.pid);
  const sent = send(found.process, `SIG${name}`);
  if (sent !== undefined) return sent;
  const isDrained = drainMs !== undefined && (await drain(children, drainMs, signalling));
  // Without them nobody answers with the old configuration any more.
  if (!ENDING.includes(name)) return isDrained ? { kind: "ended" } : DONE;
  if (await areGone([found.process], timeoutMs)) return { kind: "ended" };
  return failed(
    `process ${found.process.pid} did not end within ${timeoutMs / 1000}s`,
    "Give the step a longer timeout, or add a step that sends KILL.",
  );
}

/** True once all have ended, by themselves or killed; false where there were none. */
async function drain(
  children: readonly Process[],
  drainMs: number,
  { unit, log }: Signalling,
): Promise<boolean> {
  if (children.length === 0) return false;
  if (await areGone(children, drainMs)) return true;
  const left: number[] = [];
  for (const child of children) if (await isAlive(child)) left.push(child.pid);
  log.warn({ unit, pids: left, drainMs }, "old processes did not end in time and are killed");
  for (const pid of left) send({ pid }, "SIGKILL");
  return areGone(children, KILLED_MS);
}

function areGone(processes: readonly Process[], timeoutMs: number): Promise<boolean> {
  return pollUntil(async () => {
    const alive = await Promise.all(processes.map(isAlive));
    return !alive.includes(true);
  }, timeoutMs);
}

function send({ pid }: Pick<Process, "pid">, name: string): StepResult | undefined {
  try {
    process.kill(pid, name);
    return undefined;
  } catch (error) {
    const cure =
      codeOf(error) === "EPERM"
        ? "Run the agent as the unit's user, or reload the unit with a run step that uses doas or sudo."
        : "Check whether the unit is running, and start it.";
    return failed(messageOf(error), cure);
  }
}
