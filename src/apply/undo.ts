/** The rollback: the old files, then the units that may have read the new ones, in reverse order. */
import { messageOf } from "../base/errors.ts";
import { actAgain } from "./act.ts";
import type { ApplyContext, Transaction, Undone } from "./outcome.ts";
import { type Action, isKnown } from "./plan.ts";
import { rememberIfPossible } from "./remember.ts";
import type { StagedFile } from "./stage.ts";

export interface Undoing {
  /** All of the transaction, committed or not. */
  readonly files: readonly StagedFile[];
  /** Actions that were begun, in their order. */
  readonly touched: readonly Action[];
  readonly untouched: readonly Action[];
}

/** Rolls back as far as it can; what it could not restore is among the errors and stays concerned. */
export async function undo({ files, touched, untouched }: Undoing, context: Transaction): Promise<Undone> {
  const errors: unknown[] = [];
  const restored = await restoreAll(files, errors);
  context.ledger.restored.push(...restored);
  if (errors.length === 0) for (const action of untouched) await rememberOld(action, context);
  const units = errors.length > 0 ? [] : await reloadAll(touched, errors, context);
  for (const error of errors) context.log.error({ error: messageOf(error) }, "not rolled back");
  context.log.debug({ files: restored, units }, "old state restored");
  return { files: restored, units, errors };
}

/** Without all old files in place no unit is reloaded: it would read a mixture. */
async function restoreAll(files: readonly StagedFile[], errors: unknown[]): Promise<readonly string[]> {
  const restored: string[] = [];
  for (const file of files.toReversed()) {
    try {
      await file.discard();
      if (await file.restore()) restored.push(file.spec.path);
    } catch (error) {
      errors.push(error);
    }
  }
  return restored;
}

async function reloadAll(
  touched: readonly Action[],
  errors: unknown[],
  context: Transaction,
): Promise<readonly string[]> {
  const units: string[] = [];
  for (const action of touched.toReversed()) {
    const result = await actAgain(action, context);
    if (result.kind === "failed") {
      errors.push(result.error);
      continue;
    }
    units.push(action.unit.name);
    await rememberOld(action, context);
  }
  return units;
}

async function rememberOld({ unit, had }: Action, context: ApplyContext): Promise<void> {
  if (isKnown(had)) await rememberIfPossible(unit.name, had, context);
}
