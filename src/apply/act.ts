/** One unit of a transaction: its steps, then its health. */
import { timed } from "../base/span.ts";
import type { Log } from "../report/log.ts";
import type { Step, UnitSpec } from "./config.ts";
import { untilHealthy } from "./health.ts";
import type { Action } from "./plan.ts";
import { isRunning } from "./running.ts";
import { runSteps, type StepContext } from "./steps.ts";

export type ActResult =
  | { readonly kind: "healthy" }
  | { readonly kind: "failed"; readonly stage: "reload" | "verify"; readonly error: unknown };

const VERBS = { reload: "reloaded", restart: "restarted", start: "started" } as const;

/** Never rejects: what to do about a failure depends on what came before. */
export async function act(action: Pick<Action, "unit" | "kind">, context: StepContext): Promise<ActResult> {
  const { unit, kind } = action;
  const { observe } = context;
  const began = performance.now();
  let stage: "reload" | "verify" = "reload";
  try {
    const { ended } = await timed(observe, { stage, unit: unit.name }, () =>
      runSteps(unit.name, stepsFor(action), context),
    );
    stage = "verify";
    await timed(observe, { stage, unit: unit.name }, () =>
      untilHealthy(unit, { oldMayAnswer: !ended && kind !== "start", redact: context.redact }),
    );
    logDone(context.log, unit, kind, began);
    return { kind: "healthy" };
  } catch (error) {
    return { kind: "failed", stage, error };
  }
}

/**
 * The same unit again, with the old files. One that the new files brought down is started, or comes back by
 * itself where something supervises it: then it is its health that counts, since it can only have read the old ones.
 */
export async function actAgain(action: Action, context: StepContext): Promise<ActResult> {
  const { unit, kind } = action;
  if ((await isRunning(unit)) !== "stopped")
    return act({ unit, kind: kind === "start" ? "reload" : kind }, context);
  const started = unit.start === undefined ? undefined : await act({ unit, kind: "start" }, context);
  if (started?.kind === "healthy") return started;
  if (unit.health === undefined) return started ?? act({ unit, kind: "reload" }, context);
  try {
    await untilHealthy(unit, { oldMayAnswer: false, redact: context.redact });
    return { kind: "healthy" };
  } catch (error) {
    return started ?? { kind: "failed", stage: "verify", error };
  }
}

function stepsFor({ unit, kind }: Pick<Action, "unit" | "kind">): readonly Step[] {
  switch (kind) {
    case "reload":
      return unit.reload;
    case "restart":
      return unit.restart ?? unit.reload;
    case "start":
      return unit.start ?? unit.reload;
  }
}

function logDone(log: Log, { name }: UnitSpec, kind: Action["kind"], began: number): void {
  log.debug({ unit: name, durationMs: Math.round(performance.now() - began) }, `unit ${VERBS[kind]}`);
}
