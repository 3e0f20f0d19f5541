import { messageOf } from "../base/errors.ts";
import { type Change, changeSchema } from "../report/change.ts";
import type { Problems } from "../report/problems.ts";
import { Journal, readJournal } from "../state/journal.ts";

/** What was last done to a unit. */
export interface LastAction {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: Change["actions"][number]["kind"];
  /** Whether the unit was healthy afterwards. */
  readonly ok: boolean;
}

/** Keeps the journal of changes, and from it what was last done to each unit. */
export class History {
  readonly #directory: string;
  readonly #journal: Journal<Change>;
  readonly #problems: Problems;
  readonly #lastActions = new Map<string, LastAction>();
  #last: Change | undefined;

  private constructor(directory: string, problems: Problems) {
    this.#directory = directory;
    this.#journal = new Journal(directory);
    this.#problems = problems;
  }

  /** @param directory of the agent's state; it exists */
  static async open(directory: string, problems: Problems): Promise<History> {
    const history = new History(directory, problems);
    for (const change of await history.changes()) history.#take(change);
    return history;
  }

  get lastActions(): ReadonlyMap<string, LastAction> {
    return this.#lastActions;
  }

  get last(): Change | undefined {
    return this.#last;
  }

  /** All that is on record, oldest first. What cannot be read is none: the agent goes on without its past. */
  async changes(): Promise<readonly Change[]> {
    try {
      return await readJournal(this.#directory, changeSchema);
    } catch (error) {
      this.#complain("read", error);
      return [];
    }
  }

  /** A journal that cannot be written holds nothing up. A failure that repeats itself is on record once. */
  async record(change: Change): Promise<void> {
    const isRepeated = this.#last !== undefined && isSameFailure(this.#last, change);
    this.#take(change);
    if (isRepeated) return;
    try {
      await this.#journal.append(change);
      this.#problems.replace("journal", []);
    } catch (error) {
      this.#complain("written", error);
    }
  }

  #take(change: Change): void {
    this.#last = change;
    for (const { unit, kind } of change.actions) {
      const spans = change.spans.filter((span) => span.unit === unit);
      if (spans.length === 0) continue;
      this.#lastActions.set(unit, { at: change.at, kind, ok: spans.every(({ ok }) => ok) });
    }
  }

  #complain(verb: string, error: unknown): void {
    const cure =
      "Changes are applied all the same. Make room on that file system, and let the agent's user write there.";
    this.#problems.replace("journal", [
      {
        code: "journal_not_written",
        about: this.#directory,
        message: `${this.#directory}: the journal cannot be ${verb} (${messageOf(error)}). ${cure}`,
      },
    ]);
  }
}

function isSameFailure(one: Change, other: Change): boolean {
  return (
    one.outcome !== "applied" &&
    one.outcome === other.outcome &&
    one.desired === other.desired &&
    one.problem === other.problem
  );
}
