import path from "node:path";
import { runLongCommand } from "../apply/long-command.ts";
import { pendingIn } from "../apply/migrations.ts";
import type { Complaint } from "../base/errors.ts";
import { reveal } from "../base/secret.ts";
import { writeDatabaseState } from "../consul/database-record.ts";
import type { DatabaseContext } from "./database.ts";
import type { DatabaseStep, Scene } from "./database-decision.ts";
import { lookAround } from "./database-scene.ts";
import type { Evaluation } from "./evaluate.ts";
import { domainOf } from "./render-input.ts";

const TELL_EVERY_SECONDS = 30;

export interface StepReport {
  readonly step: DatabaseStep;
  /** The end of what it printed, without secrets. */
  readonly output: string;
}

interface Stage extends DatabaseContext {
  readonly onStep: (report: StepReport) => void;
}

/** Where the output of the current or last step is. */
function outputIn(state: string): string {
  return path.join(state, "database.log");
}

/**
 * Runs the commands one after the other, and checks that they did what they are for. The caller holds the domain's
 * lock.
 *
 * @returns what went wrong; also if the signal aborted, because then the result is not known yet
 * @throws ConsulError, or what a look throws
 */
export async function runDatabaseSteps(
  stage: Stage,
  steps: readonly DatabaseStep[],
  scene: Scene,
  evaluation: Evaluation,
  signal: AbortSignal,
): Promise<Complaint | undefined> {
  const { client, options } = stage;
  const domain = domainOf(evaluation.merged);
  const isPreparing = steps.includes("prepare");
  if (isPreparing) await writeDatabaseState(client, domain, "preparing", options.node);
  for (const step of steps) {
    const failed = await runStep(stage, step, scene, evaluation, signal);
    if (failed !== undefined) return failed;
  }
  const done = steps.at(-1) ?? "after";
  const failed = await leftUndone(stage, done, evaluation, signal);
  if (failed === undefined && isPreparing) await writeDatabaseState(client, domain, "prepared", options.node);
  return failed;
}

async function runStep(
  stage: Stage,
  step: DatabaseStep,
  { place, reloadCommand }: Scene,
  { variables }: Evaluation,
  signal: AbortSignal,
): Promise<Complaint | undefined> {
  const { options, log, redact, onStep } = stage;
  const { database, paths } = options.config;
  if (database === undefined) return undefined;
  const argv = database[step];
  const output = outputIn(paths.state);
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  let told = 0;
  const onOutput = (tail: string) => {
    const text = redact(tail);
    log.debug({ step, output: text }, "database step");
    onStep({ step, output: text });
    if (seconds() - told < TELL_EVERY_SECONDS) return;
    told = seconds();
    log.info({ step, seconds: told, output: text }, "database step still running");
  };
  log.info({ step, database: place }, "database step started");
  onStep({ step, output: "" });
  const result = await runLongCommand(
    {
      argv,
      timeoutMs: database.timeout,
      folder: paths.mastodon,
      environment: Object.fromEntries([...(variables ?? [])].map(([name, value]) => [name, reveal(value)])),
      user: database.user,
      output,
    },
    onOutput,
    signal,
  );
  if (result?.ok === true) {
    log.info({ step, seconds: seconds(), output: redact(result.tail) }, "database step done");
    return undefined;
  }
  if (result === undefined) {
    log.info({ step }, "the agent is stopping; the database step goes on without it");
    return { where: `database step ${step}`, what: "it is still running", cure: "Nothing to do." };
  }
  const end = result.tail === "" ? "" : `, its output ends with: ${redact(result.tail)}`;
  return {
    where: `database step ${step} (${argv.join(" ")})`,
    what: `it failed: ${redact(result.ended)}${end}`,
    cure: `Fix what it complains about (its whole output: ${output}), then run it again: \`${reloadCommand}\``,
  };
}

/** A command that succeeded may have done nothing, for instance in the wrong folder. */
async function leftUndone(
  { options, client, store }: Stage,
  step: DatabaseStep,
  evaluation: Evaluation,
  signal: AbortSignal,
): Promise<Complaint | undefined> {
  const looking = { options, client, memory: store.read(), evaluation, isWanted: true };
  const { schema, migrations, place, reloadCommand } = await lookAround(looking, signal);
  if (schema.kind !== "migrated" && schema.kind !== "empty") return undefined;
  const pending = pendingIn(migrations, schema.kind === "empty" ? new Set() : schema.versions);
  const undone = step === "after" ? pending.before + pending.after : pending.before;
  if (undone === 0) return undefined;
  return {
    where: `database ${place}`,
    what: `the step ${step} succeeded, but the database still lacks ${undone} migrations of ${options.config.paths.mastodon}`,
    cure: `Check the commands in the configuration's section database, then run it again: \`${reloadCommand}\``,
  };
}
