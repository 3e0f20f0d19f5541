/** Carries out the steps of a unit. They run as this user, with argv from the configuration file and nothing from Consul. */
import { open, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, messageOf, TryAgain } from "../base/errors.ts";
import type { Observe } from "../base/span.ts";
import type { Log } from "../report/log.ts";
import { isAlive, type Process } from "../state/process.ts";
import { runCommand } from "./command.ts";
import type { Step } from "./config.ts";
import { unitProcess } from "./pidfile.ts";
import { pollUntil } from "./poll.ts";

/** Sidekiq finishes its jobs for 25 s and then needs a moment; Rails may take its time to start. */
const STEP_TIMEOUT_MS = 60_000;

/** These end a program; any other signal leaves it running with the same pid. */
const ENDING = ["TERM", "INT", "QUIT", "KILL"];

export interface StepContext {
  readonly log: Log;
  /** Told of each stage as it ends: for the journal and the metrics. */
  readonly observe?: Observe;
  /** Removes secrets from a command's output. */
  redact(text: string): string;
}

export interface StepsDone {
  /** The unit's process was seen to end, so whatever answers from now on is a new one. */
  readonly ended: boolean;
}

type StepResult =
  | { readonly kind: "done" }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly what: string; readonly cure: string };

const DONE: StepResult = { kind: "done" };

/**
 * Runs one step after the other. Each has a time limit, so it is never cut off in the middle.
 * @throws TryAgain that names the unit and the step that failed; the steps after it did not run
 */
export async function runSteps(
  unit: string,
  steps: readonly Step[],
  { log, redact }: StepContext,
): Promise<StepsDone> {
  let ended = false;
  for (const [index, step] of steps.entries()) {
    log.debug({ unit, step: nameOf(step) }, "step");
    const result = await runStep(step);
    if (result.kind === "failed") {
      const what = `step ${index + 1} of ${steps.length} (${nameOf(step)}) failed: ${redact(result.what)}`;
      throw new TryAgain({ where: `unit ${unit}`, what, cure: result.cure });
    }
    ended ||= result.kind === "ended";
  }
  return { ended };
}

async function runStep(step: Step): Promise<StepResult> {
  if ("wait" in step) return wait(step.wait);
  if ("touch" in step) return touch(step.touch);
  if ("run" in step) return run(step.run, step.timeout ?? STEP_TIMEOUT_MS);
  return signal(step.signal, step.pidfile, step.timeout ?? STEP_TIMEOUT_MS);
}

function nameOf(step: Step): string {
  if ("wait" in step) return `wait ${step.wait / 1000}s`;
  if ("touch" in step) return `touch ${step.touch}`;
  if ("run" in step) return `run ${step.run.join(" ")}`;
  return `${step.signal} to ${step.pidfile}`;
}

async function wait(ms: number): Promise<StepResult> {
  await sleep(ms);
  return DONE;
}

async function touch(path: string): Promise<StepResult> {
  try {
    await using _created = await open(path, "a");
    const now = new Date();
    await utimes(path, now, now);
    return DONE;
  } catch (error) {
    return failed(
      messageOf(error),
      "Let the agent's user write that file, or reload the unit in another way.",
    );
  }
}

async function run(argv: readonly string[], timeoutMs: number): Promise<StepResult> {
  const { ok, ended, tail } = await runCommand(argv, timeoutMs);
  if (ok) return DONE;
  return failed(
    tail === "" ? ended : `${ended}, its output ends with: ${tail}`,
    "Run the command by hand as the agent's user and mend what it complains of.",
  );
}

async function signal(name: string, pidfile: string, timeoutMs: number): Promise<StepResult> {
  const found = await unitProcess(pidfile);
  if (found.kind === "absent") {
    return failed(
      `${found.reason}; nothing was signalled`,
      "Start the unit; if it runs, let it write its pidfile again (touch the file if the clock was set forward since).",
    );
  }
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
        ? "Run the agent as the unit's user, or reload the unit by a run step with doas or sudo."
        : "Look whether the unit runs, and start it.";
    return failed(messageOf(error), cure);
  }
}

function failed(what: string, cure: string): StepResult {
  return { kind: "failed", what, cure };
}
