import type { Deeds } from "../apply/deeds.ts";
import type { Outcome } from "../apply/outcome.ts";
import { messageOf } from "../base/errors.ts";
import type { Span } from "../base/span.ts";
import type { Change } from "../report/change.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { causeOf, endpointChanges, valueChanges } from "./record.ts";
import type { Takeover } from "./takeover.ts";

interface Story {
  /** As it was before. */
  readonly memory: Memory;
  readonly takeover: Takeover | undefined;
  readonly evaluation: Evaluation;
  readonly outcome: Outcome & { readonly deeds: Deeds };
  readonly urgent: boolean;
  /** Takes secrets out of what programs printed. */
  readonly redact: (text: string) => string;
  readonly spans: readonly Span[];
  /** `performance.now()` at the beginning of the apply. */
  readonly began: number;
}

/** One apply as it goes into the journal, once it has ended. */
export function changeOf({
  memory,
  takeover,
  evaluation,
  outcome,
  urgent,
  redact,
  spans,
  began,
}: Story): Change {
  const { merged, desired } = evaluation;
  const { actions, wrote, restored } = outcome.deeds;
  return {
    at: new Date().toISOString(),
    cause: causeOf(memory, evaluation),
    outcome: outcome.kind,
    problem: outcome.kind === "applied" ? null : redact(messageOf(outcome.error)),
    urgent,
    values: valueChanges(memory, merged),
    endpoints: endpointChanges(memory, merged),
    units: [...new Set(actions.map(({ unit }) => unit))],
    actions: [...actions],
    wrote: [...wrote],
    restored: [...restored],
    ...(takeover && { takeover }),
    duration_ms: Math.round(performance.now() - began),
    spans: [...spans],
    desired: desired?.digest ?? null,
  };
}
