import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import { type Complaint, sentence } from "../base/errors.ts";
import type { Log } from "./log.ts";
import { codeRow, type ProblemCode } from "./problem-codes.ts";

/**
 * What is wrong now and what to do about it. Code and subject are its identity; the message may change under them, with
 * a counter, a time or a new reason, and it is still the same problem.
 */
export interface Complaining {
  readonly code: ProblemCode;
  /** What it concerns: a setting, a KV key, a dependency, a file, a unit, a watch. */
  readonly about: string;
  readonly message: string;
}

export interface Problem extends Complaining {
  /** ISO 8601 time at which it was first seen. */
  readonly since: string;
}

/** How rarely a lasting problem is repeated. */
const REMIND_EVERY_MS = 10 * 60_000;

export interface ProblemsOptions {
  /** Called for each problem once, when its grace is over. */
  readonly onBegin?: (problem: Problem) => void;
  /** Called when the list grows or shrinks. */
  readonly onChange?: () => void;
  /** A steady clock. */
  readonly nowMs?: () => number;
}

/** @param about what it concerns, if the complaint's place is not the same every time */
export function problemOf(code: ProblemCode, complaint: Complaint, about = complaint.where): Complaining {
  return { code, about, message: sentence(complaint) };
}

interface Standing extends Problem {
  /** On the steady clock: when it was first seen, and when it was last logged; undefined during its grace. */
  readonly seenMs: number;
  readonly loggedMs: number | undefined;
}

/**
 * The list of current problems. Each part of the agent owns an area and replaces its whole list whenever it looks
 * again. A problem is one once it has stood for the grace of its code. It is logged when it begins, when it ends, and
 * from time to time in between.
 */
export class Problems {
  readonly #areas = new Map<string, readonly Standing[]>();
  readonly #bell = new Bell();
  readonly #log: Log;
  readonly #onBegin: (problem: Problem) => void;
  readonly #onChange: () => void;
  readonly #nowMs: () => number;

  constructor(log: Log, { onBegin, onChange, nowMs }: ProblemsOptions = {}) {
    this.#log = log;
    this.#onBegin = onBegin ?? (() => {});
    this.#onChange = onChange ?? (() => {});
    this.#nowMs = nowMs ?? steadyMs;
  }

  replace(area: string, current: readonly Complaining[]): void {
    const before = this.#areas.get(area) ?? [];
    const after = distinct(current).map((complaint) => {
      const known = before.find(same(complaint));
      return known === undefined ? this.#fresh(complaint) : { ...known, message: complaint.message };
    });
    const ended = before.filter((problem) => isTold(problem) && !after.some(same(problem)));
    this.#areas.set(area, after);
    for (const problem of ended) this.#log.info(fields(problem), "problem solved");
    if (!this.#sayWhatIsDue() && ended.length > 0) this.#onChange();
    this.#bell.ring();
  }

  list(): readonly Problem[] {
    return this.#all()
      .filter(isTold)
      .map(({ code, about, message, since }) => ({ code, about, message, since }));
  }

  /** Reports what becomes due through time alone: the end of a grace time, and lasting problems. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dueMs = this.#all().map(nextDueMs);
      const nextMs = dueMs.length === 0 ? undefined : Math.min(...dueMs);
      await this.#bell.wait(nextMs, this.#nowMs(), signal);
      if (!signal.aborted) this.#sayWhatIsDue();
    }
  }

  /** @returns whether the list has become longer */
  #sayWhatIsDue(): boolean {
    const nowMs = this.#nowMs();
    let hasBegun = false;
    for (const [area, standing] of this.#areas) {
      const due = standing.filter((problem) => nextDueMs(problem) <= nowMs);
      if (due.length === 0) continue;
      const logged = standing.map((problem) =>
        due.includes(problem) ? { ...problem, loggedMs: nowMs } : problem,
      );
      this.#areas.set(area, logged);
      for (const problem of due) {
        if (isTold(problem)) this.#log.warn({ ...fields(problem), since: problem.since }, "problem persists");
        else this.#begin(problem);
      }
      hasBegun ||= due.some((problem) => !isTold(problem));
    }
    if (hasBegun) this.#onChange();
    return hasBegun;
  }

  #begin(problem: Standing): void {
    this.#log.warn(fields(problem), "problem");
    this.#onBegin(problem);
  }

  #fresh(complaint: Complaining): Standing {
    return {
      ...complaint,
      since: new Date().toISOString(),
      seenMs: this.#nowMs(),
      loggedMs: undefined,
    };
  }

  #all(): readonly Standing[] {
    return [...this.#areas.values()].flat();
  }
}

function isTold({ loggedMs }: Standing): boolean {
  return loggedMs !== undefined;
}

function nextDueMs({ code, seenMs, loggedMs }: Standing): number {
  return loggedMs === undefined ? seenMs + (codeRow(code).graceMs ?? 0) : loggedMs + REMIND_EVERY_MS;
}

/** Of several complaints about the same thing the first is shown: two with one identity could not be told apart. */
function distinct(complaints: readonly Complaining[]): readonly Complaining[] {
  return complaints.filter((complaint, at) => complaints.findIndex(same(complaint)) === at);
}

function same(one: Complaining): (other: Complaining) => boolean {
  return (other) => other.code === one.code && other.about === one.about;
}

function fields({ code, about, message }: Problem) {
  return { code, about, problem: message };
}
