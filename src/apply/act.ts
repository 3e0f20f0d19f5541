/** One unit of a transaction: its steps, then its health. */
import { timed } from "../base/span.ts";
import type { Log } from "../report/log.ts";
import type { Step, UnitSpec } from "./config.ts";
import type { Ledger } from "./deeds.ts";
import { oldSelfMs, untilHealthy } from "./health.ts";
import { type Action, mayServe } from "./plan.ts";
import { isRunning } from "./running.ts";
import { runSteps, type StepContext } from "./steps.ts";

export type ActResult =
  | { readonly kind: "healthy" }
  | { readonly kind: "failed"; readonly stage: "reload" | "verify"; readonly error: unknown };

const VERBS = { reload: "reloaded", restart: "restarted", start: "started" } as const;

type ActContext = StepContext & { readonly ledger: Pick<Ledger, "actions"> };

type Acting = Pick<Action, "unit" | "kind" | "was">;

/**
 * Never rejects: what to do about a failure depends on what came before. A unit that was ill and still is after its
 * reload is started, because it may be down.
 */
export async function act(action: Acting, context: ActContext): Promise<ActResult> {
  const { unit, was } = action;
  const result = await actOnce(action, context);
  const mayBeDown = result.kind === "failed" && was === "ill" && unit.start !== undefined;
  if (!mayBeDown || (await isRunning(unit)) !== "ill") return result;
  return actOnce({ unit, kind: "start" }, context);
}

async function actOnce(action: Pick<Action, "unit" | "kind">, context: ActContext): Promise<ActResult> {
  const result = await carryOut(action, context);
  const { unit, kind } = action;
  context.ledger.actions.push({ unit: unit.name, kind, ok: result.kind === "healthy" });
  return result;
}

async function carryOut(action: Pick<Action, "unit" | "kind">, context: StepContext): Promise<ActResult> {
  const { unit, kind } = action;
  const { observe } = context;
  const steps = stepsFor(action);
  const began = performance.now();
  let stage: "reload" | "verify" = "reload";
  try {
    const { ended } = await timed(observe, { stage, unit: unit.name }, () =>
      runSteps(unit.name, steps, context),
    );
    stage = "verify";
    const isNew = ended || kind === "start";
    await timed(observe, { stage, unit: unit.name }, () =>
      untilHealthy(unit, { oldSelfMs: isNew ? 0 : oldSelfMs(steps), redact: context.redact }),
    );
    logDone(context.log, unit, kind, began);
    return { kind: "healthy" };
  } catch (error) {
    return { kind: "failed", stage, error };
  }
}

/**
 * The same unit again, with the old files. One that the new files brought down is started, or comes back by itself if
 * something supervises it: then its health decides, because it can only have read the old ones.
 */
export async function actAgain(action: Action, context: ActContext): Promise<ActResult> {
  const { unit } = action;
  const was = await isRunning(unit, true);
  const kind = action.kind === "start" ? "reload" : action.kind;
  if (mayServe({ was })) return actOnce({ unit, kind }, context);
  const begun = was === "ill" ? await act({ unit, kind, was }, context) : await startAgain(unit, context);
  if (begun?.kind === "healthy") return begun;
  if (unit.health === undefined) return begun ?? actOnce({ unit, kind: "reload" }, context);
  try {
    await untilHealthy(unit, { oldSelfMs: 0, redact: context.redact });
    return { kind: "healthy" };
  } catch (error) {
    return begun ?? { kind: "failed", stage: "verify", error };
  }
}

async function startAgain(unit: UnitSpec, context: ActContext): Promise<ActResult | undefined> {
  return unit.start === undefined ? undefined : actOnce({ unit, kind: "start" }, context);
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
