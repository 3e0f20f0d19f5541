/** From a plan to disk and units, as one transaction: everything that can be refused is refused before the first rename. */
import { messageOf } from "../base/errors.ts";
import { timed, timedNow } from "../base/span.ts";
import { act } from "./act.ts";
import { type Deeds, Ledger } from "./deeds.ts";
import type { ApplyContext, Failed, Outcome, PutBack, Transaction } from "./outcome.ts";
import { type Action, isKnown, mayServe, type Plan } from "./plan.ts";
import { prepare } from "./prepare.ts";
import { rememberIfPossible } from "./remember.ts";
import { commitAll, type StagedFile, syncAll } from "./stage.ts";
import { undo } from "./undo.ts";

export type { ApplyContext, Outcome } from "./outcome.ts";

/** Carries out a plan. Never rejects. The caller makes sure that there is only one at a time. */
export async function apply(plan: Plan, context: ApplyContext): Promise<Outcome & { readonly deeds: Deeds }> {
  const ledger = new Ledger();
  return { ...(await carryOut(plan, { ...context, ledger })), deeds: ledger };
}

async function carryOut(plan: Plan, transaction: Transaction): Promise<Outcome> {
  const prepared = await prepare(plan, transaction);
  if (prepared.kind === "refused") return prepared;
  const { files } = prepared;
  const failed = (await write(plan, files, transaction)) ?? (await actAll(plan, files, transaction));
  return failed ?? { kind: "applied" };
}

async function write(
  { actions }: Plan,
  files: readonly StagedFile[],
  context: Transaction,
): Promise<Failed | undefined> {
  const { wrote } = context.ledger;
  try {
    timedNow(context.observe, { stage: "commit" }, () => commitAll(files, (path) => wrote.push(path)));
    await timed(context.observe, { stage: "sync" }, () => syncAll(files));
    for (const { spec } of files) context.log.debug({ path: spec.path }, "file written");
    return undefined;
  } catch (error) {
    context.log.debug({ error: messageOf(error) }, "apply failed");
    const undone = await undo({ files, touched: [], untouched: actions }, context);
    return { kind: "failed", stage: "write", error, undone };
  }
}

/**
 * A failure is undone if the unit ran well before, for then the new files are to blame. Any other (the unit was down,
 * or was never seen healthy, or there is no way back) is reported and retried, and does not keep the other units from
 * their turn.
 */
async function actAll(
  { actions, isOneWay = false }: Plan,
  files: readonly StagedFile[],
  context: Transaction,
): Promise<Failed | PutBack | undefined> {
  let first: Failed | undefined;
  for (const [index, action] of actions.entries()) {
    const { unit, wanted } = action;
    if (context.signal.aborted) context.log.info({ unit: unit.name }, "finishing the apply before stopping");
    const result = await act(action, context);
    if (result.kind === "healthy") {
      await rememberIfPossible(unit.name, wanted, context);
      continue;
    }
    const { stage, error } = result;
    context.log.debug({ unit: unit.name, stage, error: messageOf(error) }, "apply failed");
    const failure = { stage, unit: unit.name, error };
    if (files.length > 0 && ranWell(action) && !isOneWay) {
      const parts = { files, touched: actions.slice(0, index + 1), untouched: actions.slice(index + 1) };
      return { kind: "put_back", ...failure, undone: await undo(parts, context) };
    }
    first ??= { kind: "failed", ...failure };
  }
  return first;
}

function ranWell(action: Action): boolean {
  return mayServe(action) && isKnown(action.had);
}
