/** What an operator's hold keeps from happening, as problems. Pure. */
import { addressOf } from "../base/address.ts";
import { visible } from "../base/visible.ts";
import { releaseCommand } from "../report/hold.ts";
import { type Complaining, problemOf } from "../report/problems.ts";
import type { Hold } from "../sources/kv.ts";
import type { Evaluation } from "./evaluate.ts";
import { urgentMoves } from "./last-good.ts";
import type { Memory } from "./memory.ts";

/** Whoever holds for longer has most likely forgotten it. */
export const FORGOTTEN_MS = 24 * 60 * 60_000;

/** Of an operator's text, in a message. */
const LONGEST_REASON = 200;

export function holdProblems(evaluation: Evaluation, memory: Memory, nowMs: number): readonly Complaining[] {
  const { hold } = evaluation.kv;
  if (hold === undefined || memory.hold === undefined) return [];
  const { since } = memory.hold;
  return [...failoversHeld(evaluation, hold, memory, since), ...forgotten(hold, since, nowMs)];
}

function failoversHeld(
  evaluation: Evaluation,
  hold: Hold,
  memory: Memory,
  since: string,
): readonly Complaining[] {
  const waiting = unitsThatWait(evaluation, memory);
  return urgentMoves(evaluation).map(({ name, to }) => {
    const from = memory.endpoints[name];
    return problemOf("failover_held", {
      where: name,
      what: `${from === undefined ? "the endpoint in use" : addressOf(from)} is dead or demoted and ${addressOf(to)} would do, but changes have been held since ${since} (${quoted(hold)}); ${waiting} ${waiting.includes(",") ? "wait" : "waits"}`,
      cure: endOf(hold),
    });
  });
}

function forgotten(hold: Hold, since: string, nowMs: number): readonly Complaining[] {
  if (nowMs < Date.parse(since) + FORGOTTEN_MS) return [];
  const what = `changes have been held since ${since} (${quoted(hold)}); no setting and no failover is followed`;
  return [problemOf("hold_forgotten", { where: hold.key, what, cure: endOf(hold) })];
}

/** Whatever does not run with what is asked for. */
function unitsThatWait({ desired }: Evaluation, { units }: Memory): string {
  const names = [...(desired?.units ?? [])]
    .filter(
      ([name, { reload, restart }]) => units[name]?.reload !== reload || units[name].restart !== restart,
    )
    .map(([name]) => name);
  return names.length === 0 ? "no unit" : names.join(", ");
}

function quoted({ reason }: Hold): string {
  return `"${visible(reason, LONGEST_REASON)}"`;
}

function endOf({ keys }: Hold): string {
  return `End the hold: \`${releaseCommand(keys)}\`.`;
}
