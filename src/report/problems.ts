import type { Log } from "./log.ts";

/** What is wrong now and what to do about it: one line for an operator. The code never changes, so alerts can name it. */
export interface Complaining {
  readonly code: string;
  readonly message: string;
}

export interface Problem extends Complaining {
  /** ISO 8601 time at which this problem was first seen. */
  readonly since: string;
}

/**
 * The list of current problems. Each part of the agent owns an area and replaces its whole list whenever it
 * looks again; a problem that stays keeps its `since`, and each is logged once when it comes and once when it goes.
 */
export class Problems {
  readonly #areas = new Map<string, readonly Problem[]>();
  readonly #log: Log;
  readonly #onBegin: (problem: Problem) => void;

  /** @param onBegin called for each new problem */
  constructor(log: Log, onBegin: (problem: Problem) => void = () => {}) {
    this.#log = log;
    this.#onBegin = onBegin;
  }

  replace(area: string, current: readonly Complaining[]): void {
    const before = this.#areas.get(area) ?? [];
    const after = current.map((complaint) => before.find(same(complaint)) ?? this.#begin(complaint));
    for (const problem of before) {
      if (!after.some(same(problem)))
        this.#log.info({ code: problem.code, problem: problem.message }, "problem solved");
    }
    this.#areas.set(area, after);
  }

  list(): readonly Problem[] {
    return [...this.#areas.values()].flat();
  }

  #begin({ code, message }: Complaining): Problem {
    this.#log.warn({ code, problem: message }, "problem");
    const problem = { code, message, since: new Date().toISOString() };
    this.#onBegin(problem);
    return problem;
  }
}

function same(one: Complaining): (other: Complaining) => boolean {
  return (other) => other.code === one.code && other.message === one.message;
}
