import { ConsulError, type ConsulErrorKind } from "../consul/errors.ts";
import { doubtAbout, troubleWith } from "../consul/watch.ts";
import { LEADER_UNASKED, NO_LEADER } from "../settings/leader.ts";
import type { Question, Questions } from "./questions.ts";
import type { World } from "./world.ts";

/** A query without a credible answer. */
export interface Unanswered {
  readonly name: string;
  readonly problem: string;
  /** `doubtful`: there is an answer, but a watch would not believe it either. */
  readonly kind: ConsulErrorKind | "doubtful";
}

/** What a watched world would have after its first answers. */
export async function askOnce(
  questions: Questions,
  signal: AbortSignal,
): Promise<{ readonly world: World; readonly unanswered: readonly Unanswered[] }> {
  const unanswered: Unanswered[] = [];
  const ask = async <Value>(question: Question<Value>): Promise<Value | undefined> => {
    const answer = await answerTo(question, signal);
    if ("value" in answer) return answer.value;
    unanswered.push(answer);
    return undefined;
  };
  const { kv, leader, sentinels, services } = questions;
  const [pairs, leading, guards, catalogue] = await Promise.all([
    ask(kv),
    leader === undefined ? NO_LEADER : ask(leader),
    sentinels && ask(sentinels),
    Promise.all([...services].map(async ([name, question]) => [name, await ask(question)] as const)),
  ]);
  return {
    world: { kv: pairs, leader: leading ?? LEADER_UNASKED, sentinels: guards, catalogue: new Map(catalogue) },
    unanswered,
  };
}

async function answerTo<Value>(
  { name, poll }: Question<Value>,
  signal: AbortSignal,
): Promise<{ readonly value: Value } | Unanswered> {
  try {
    const answer = await poll({ index: 0n, waitMs: 0, signal });
    const problem = doubtAbout(answer);
    return problem === undefined ? answer : { name, problem, kind: "doubtful" };
  } catch (error) {
    return {
      name,
      problem: troubleWith(error),
      kind: error instanceof ConsulError ? error.kind : "unreachable",
    };
  }
}
