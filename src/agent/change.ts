import type { Outcome } from "../apply/outcome.ts";
import { wasPutBack } from "../apply/outcome.ts";
import type { Plan } from "../apply/plan.ts";
import { messageOf } from "../base/errors.ts";
import type { Span } from "../base/span.ts";
import type { Change } from "../report/change.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { causeOf, endpointChanges, valueChanges } from "./record.ts";

interface Story {
  /** As it was before. */
  readonly memory: Memory;
  readonly evaluation: Evaluation;
  readonly task: Plan;
  readonly outcome: Outcome;
  readonly urgent: boolean;
  /** Takes secrets out of what programs printed. */
  readonly redact: (text: string) => string;
  readonly spans: readonly Span[];
  /** `performance.now()` at the beginning of the apply. */
  readonly began: number;
}

/** One apply as it goes into the journal, once it has ended. */
export function changeOf({ memory, evaluation, task, outcome, urgent, redact, spans, began }: Story): Change {
  const { merged, desired } = evaluation;
  return {
    at: new Date().toISOString(),
    cause: causeOf(memory, evaluation),
    outcome: outcome.kind,
    put_back: wasPutBack(outcome),
    problem: outcome.kind === "applied" ? null : redact(messageOf(outcome.error)),
    urgent,
    values: valueChanges(memory, merged),
    endpoints: endpointChanges(memory, merged),
    units: task.actions.map(({ unit }) => unit.name),
    actions: task.actions.map(({ unit, kind }) => ({ unit: unit.name, kind })),
    wrote: outcome.kind === "applied" ? [...outcome.wrote] : [],
    duration_ms: Math.round(performance.now() - began),
    spans: [...spans],
    desired: desired?.digest ?? null,
  };
}
