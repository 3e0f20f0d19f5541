import type { Desired } from "../apply/plan.ts";
import { steadyMs } from "../base/clock.ts";
import type { Applier } from "./applier.ts";
import { Attempt } from "./attempt.ts";
import type { Evaluation, Inputs, Rules } from "./evaluate.ts";
import { isUrgent, lastGood } from "./last-good.ts";
import type { LoopContext, Next, Rest, Seen } from "./loop.ts";
import type { Pacing } from "./pacing.ts";
import { fullPlan, isEmpty } from "./transact.ts";

/**
 * What an operator put cannot be applied, and must not hold up the rest: endpoints still move, with the last good
 * settings. With these the units are also started when the jail starts, and repaired if an agent was killed during an
 * apply that turns out to fail.
 */
export class WayBack {
  readonly #context: LoopContext;
  readonly #rules: Rules;
  readonly #applier: Applier;
  readonly #pacing: Pacing;
  readonly #attempt = new Attempt();

  constructor(context: LoopContext, rules: Rules, applier: Applier, pacing: Pacing) {
    this.#context = context;
    this.#rules = rules;
    this.#applier = applier;
    this.#pacing = pacing;
  }

  /** Nothing waits for it any more. */
  end(): void {
    this.#attempt.end();
  }

  /** Then a failover is not combined with what an operator just put: that follows as a routine change. */
  isShorterThan({ digest }: Desired, inputs: Inputs): boolean {
    const isPossible =
      this.#pacing.hasLooked && !this.#attempt.hasFailed && inputs.memory.applied !== undefined;
    if (!isPossible) return false;
    const evaluation = lastGood(this.#rules, inputs, digest, this.#applier.wasCutOff);
    const { desired } = evaluation;
    if (desired === undefined || desired.digest === digest || !isUrgent(evaluation)) return false;
    return this.#applier.rejection(desired.digest) === undefined;
  }

  /**
   * Takes it, if it is wanted and due.
   *
   * @param asked digest of what cannot be applied, as far as it could be rendered
   * @param rest the loop's result otherwise
   */
  async go(seen: Seen, asked: string | undefined, rest: Rest, signal: AbortSignal): Promise<Next> {
    const { inputs } = seen;
    if (inputs.memory.applied === undefined) return rest;
    const evaluation = lastGood(this.#rules, inputs, asked, this.#applier.wasCutOff);
    const { desired } = evaluation;
    if (desired === undefined || desired.digest === asked || !this.#isWanted(evaluation, desired))
      return rest;
    this.#attempt.see(desired.digest, inputs.nowMs, seen.notifyMs);
    const { atMs: dueMs } = this.#pacing.dueAt(this.#attempt, true);
    if (dueMs > inputs.nowMs) return { ...rest, atMs: Math.min(dueMs, rest.atMs ?? dueMs) };
    return (await this.#apply(evaluation, desired, seen, asked, signal)) ? "again" : rest;
  }

  #isWanted(evaluation: Evaluation, { digest }: Desired): boolean {
    const { wasCutOff } = this.#applier;
    const isWanted = isUrgent(evaluation) || wasCutOff || this.#attempt.hasFailed || !this.#pacing.hasLooked;
    return isWanted && this.#applier.rejection(digest) === undefined;
  }

  /** @returns false if there was nothing to do, or it is not time yet */
  async #apply(
    evaluation: Evaluation,
    desired: Desired,
    seen: Seen,
    asked: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { wasCutOff } = this.#applier;
    const urgent = isUrgent(evaluation);
    const task = {
      ...(await fullPlan(await this.#applier.place(desired), this.#context, urgent)),
      isOneWay: urgent,
    };
    if (!(await this.#context.database.mayApply(evaluation, task, urgent))) return false;
    if (wasCutOff && asked !== undefined) await this.#applier.giveUp(asked);
    this.#pacing.hasLooked = true;
    if (isEmpty(task) && !wasCutOff && !urgent) return false;
    const approach = { urgent, spans: this.#pacing.waySoFar(this.#attempt, seen, urgent) };
    if (
      !isEmpty(task) &&
      !(await this.#applier.apply(evaluation, task, seen.keys.values, approach, signal))
    ) {
      this.#attempt.failed(steadyMs());
      return true;
    }
    this.#attempt.end();
    await this.#applier.settledWithout(evaluation);
    return true;
  }
}
