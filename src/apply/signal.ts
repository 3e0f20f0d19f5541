/** The step that signals a unit's process, and no other. */
import { codeOf, messageOf } from "../base/errors.ts";
import { isAlive, type Process } from "../state/process.ts";
import type { SignalStep } from "./config.ts";
import { unitProcess } from "./pidfile.ts";
import { pollUntil } from "./poll.ts";
import { DONE, failed, STEP_TIMEOUT_MS, type StepResult } from "./step-result.ts";

/** These end a program; any other signal leaves it running with the same pid. */
const ENDING = ["TERM", "INT", "QUIT", "KILL"];

/** By pidfile the process that the first signal went to: the later ones of the same steps are meant for it alone. */
export type Signalled = Map<string, Process>;

export async function signal(step: SignalStep, signalled: Signalled): Promise<StepResult> {
  const { signal: name, pidfile, timeout: timeoutMs = STEP_TIMEOUT_MS } = step;
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
  const sent = send(found.process, `SIG${name}`);
  if (sent !== undefined || !ENDING.includes(name)) return sent ?? DONE;
  const gone = await pollUntil(async () => !(await isAlive(found.process)), timeoutMs);
  if (gone) return { kind: "ended" };
  return failed(
    `process ${found.process.pid} did not end within ${timeoutMs / 1000}s`,
    "Give the step a longer timeout, or add a step that sends KILL.",
  );
}

function send({ pid }: Process, name: string): StepResult | undefined {
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
