/** The part of a transaction that may still be refused: nothing but the agent has seen any of it. */
import { timed } from "../base/span.ts";
import { check } from "./check.ts";
import { passGate } from "./gate.ts";
import type { ApplyContext, RefusedOutcome } from "./outcome.ts";
import { mayServe, type Plan, unsettled } from "./plan.ts";
import { rememberIfPossible } from "./remember.ts";
import { type StagedFile, stage } from "./stage.ts";

export type Preparation =
  | { readonly kind: "prepared"; readonly files: readonly StagedFile[] }
  | RefusedOutcome;

/** Stages all files, lets their programs check them, and writes down that the concerned units are about to change. */
export async function prepare(plan: Plan, context: ApplyContext): Promise<Preparation> {
  const { writes } = plan;
  const { gate, observe } = context;
  const files: StagedFile[] = [];
  let stageName: RefusedOutcome["stage"] = "stage";
  try {
    await timed(observe, { stage: "stage" }, async () => {
      for (const file of writes) files.push(await stage(file));
    });
    stageName = "check";
    await timed(observe, { stage: "check" }, async () => {
      for (const file of files) await check(file, context);
      for (const file of files) file.verify();
    });
    stageName = "gate";
    if (files.length > 0 && gate !== undefined)
      await timed(observe, { stage: "gate" }, () => passGate(gate, context));
    for (const file of files) file.verify();
    stageName = "remember";
    await timed(observe, { stage: "remember" }, () => unsettle(plan, context));
    return { kind: "prepared", files };
  } catch (error) {
    await Promise.all(files.map((file) => file.discard()));
    return { kind: "refused", stage: stageName, error };
  }
}

/**
 * From the first rename on it is not known what a unit runs with: a supervisor may restart it at any moment, and a
 * crash may end the agent. So that is recorded first, and the digest once the unit is verified.
 *
 * What cannot be recorded for lack of disk space is known as long as the agent lives, and after a crash the files show
 * it: they differ from the state. That is enough for what cannot wait: a site with a dead endpoint, and units that are
 * down. A routine change can wait, and does: after a crash it would not be known that it had been rejected, nor what to
 * go on with while Consul is away.
 */
async function unsettle({ actions, isUrgent = false }: Plan, context: ApplyContext): Promise<void> {
  const mayWait = !isUrgent && actions.some(mayServe);
  const { remember } = context;
  await Promise.all(
    actions.map((action) =>
      mayWait
        ? remember(action.unit.name, unsettled(action))
        : rememberIfPossible(action.unit.name, unsettled(action), context),
    ),
  );
}
