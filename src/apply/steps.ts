/** Carries out the steps of a unit. They run as this user, with argv from the configuration file and nothing from Consul. */
import { open, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, TryAgain } from "../base/errors.ts";
import type { Observe } from "../base/span.ts";
import type { Log } from "../report/log.ts";
import type { Process } from "../state/process.ts";
import { runCommand } from "./command.ts";
import type { Step } from "./config.ts";
import { type Signalling, signal } from "./signal.ts";
import { DONE, failed, STEP_TIMEOUT_MS, type StepResult } from "./step-result.ts";

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

/**
 * Runs one step after the other. Each has a time limit, so it is never cut off in the middle.
 * @throws TryAgain that names the unit and the step that failed; the steps after it did not run
 */
export async function runSteps(
  unit: string,
  steps: readonly Step[],
  { log, redact }: StepContext,
): Promise<StepsDone> {
  const signalled = new Map<string, Process>();
  let ended = false;
  for (const [index, step] of steps.entries()) {
    log.debug({ unit, step: nameOf(step) }, "step");
    const result = await runStep(step, { unit, log, signalled });
    if (result.kind === "failed") {
      const what = `step ${index + 1} of ${steps.length} (${nameOf(step)}) failed: ${redact(result.what)}`;
      throw new TryAgain({ where: `unit ${unit}`, what, cure: result.cure });
    }
    ended ||= result.kind === "ended";
  }
  return { ended };
}

async function runStep(step: Step, signalling: Signalling): Promise<StepResult> {
  if ("wait" in step) return wait(step.wait);
  if ("touch" in step) return touch(step.touch);
  if ("run" in step) return run(step.run, step.timeout ?? STEP_TIMEOUT_MS);
  return signal(step, signalling);
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
    return failed(messageOf(error), "Let the agent's user write that file, or reload the unit another way.");
  }
}

async function run(argv: readonly string[], timeoutMs: number): Promise<StepResult> {
  const { ok, ended, tail } = await runCommand(argv, timeoutMs);
  if (ok) return DONE;
  return failed(
    tail === "" ? ended : `${ended}, its output ends with: ${tail}`,
    "Run the command by hand as the agent's user and fix what it complains about.",
  );
}
