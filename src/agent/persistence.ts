import type { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import type { ProblemCode } from "../report/problem-codes.ts";
import { type Problems, problemOf } from "../report/problems.ts";
import type { Persisted } from "../state/persisted.ts";

const RETRY_MS = 2000;

export interface PersistenceContext {
  readonly state: Persisted;
  readonly journal: Persisted;
  readonly problems: Problems;
  /** Rings when it becomes possible, or impossible, to write one of them. */
  readonly bell: Bell;
  /** Whether something is on disk has changed. */
  readonly onChange: () => void;
}

/** What could not be written is a problem, and is written as soon as possible, even when there is nothing else to do. */
export async function keepWriting(context: PersistenceContext, signal: AbortSignal): Promise<void> {
  const { state, journal, problems, bell, onChange } = context;
  const kept = [
    { part: state, code: "state_not_written", meanwhile: STATE_MEANWHILE },
    { part: journal, code: "journal_not_written", meanwhile: JOURNAL_MEANWHILE },
  ] as const satisfies readonly { part: Persisted; code: ProblemCode; meanwhile: string }[];
  while (!signal.aborted) {
    for (const { part, code, meanwhile } of kept) {
      const { complaint } = part.trouble ?? {};
      const told = complaint && problemOf(code, { ...complaint, cure: `${complaint.cure} ${meanwhile}` });
      problems.replace(code, told === undefined ? [] : [told]);
    }
    onChange();
    const failing = kept.filter(({ part }) => part.trouble !== undefined);
    const atMs = failing.length === 0 ? undefined : steadyMs() + RETRY_MS;
    await bell.wait(atMs, steadyMs(), signal);
    if (signal.aborted) return;
    for (const { part } of failing) await part.flush().catch(() => {});
  }
}

const STATE_MEANWHILE =
  "Until then a failover goes through and is remembered only in memory; other changes wait.";
const JOURNAL_MEANWHILE = "Changes are still applied, and recorded then.";
