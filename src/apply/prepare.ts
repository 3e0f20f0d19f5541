/** The part of a transaction that may still be refused: nobody but the agent has seen anything of it. */
import { timed } from "../base/span.ts";
import { check } from "./check.ts";
import { passGate } from "./gate.ts";
import type { ApplyContext, RefusedOutcome } from "./outcome.ts";
import { type Action, type Plan, unsettled } from "./plan.ts";
import { type StagedFile, stage } from "./stage.ts";

export type Preparation =
  | { readonly kind: "prepared"; readonly files: readonly StagedFile[] }
  | RefusedOutcome;

/** Stages all files, lets their programs check them, and writes down that the concerned units are about to change. */
export async function prepare({ writes, actions }: Plan, context: ApplyContext): Promise<Preparation> {
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
    });
    stageName = "gate";
    if (files.length > 0 && gate !== undefined)
      await timed(observe, { stage: "gate" }, () => passGate(gate, context));
    stageName = "stage";
    await timed(observe, { stage: "remember" }, () => unsettle(actions, context));
    return { kind: "prepared", files };
  } catch (error) {
    await Promise.all(files.map((file) => file.discard()));
    return { kind: "refused", stage: stageName, error };
  }
}

/**
 * From the first rename on nobody knows what a unit runs with: a supervisor may restart it at any moment, and
 * a crash may end the agent. So that is remembered first, and the digest when the unit was verified.
 */
async function unsettle(actions: readonly Action[], { remember }: ApplyContext): Promise<void> {
  await Promise.all(actions.map((action) => remember(action.unit.name, unsettled(action))));
}
