import { messageOf } from "../base/errors.ts";
import type { Change } from "../report/change.ts";
import { isChange, type JournalEntry, journalEntrySchema } from "../report/journal-entry.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import { Journal, readJournal } from "../state/journal.ts";

/** What was last done to a unit. */
export interface LastAction {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: Change["actions"][number]["kind"];
  /** Whether the unit was healthy afterwards. */
  readonly ok: boolean;
}

/** Keeps the journal of changes and holds, and from it what was last done to each unit. */
export class History {
  readonly #directory: string;
  readonly #problems: Problems;
  readonly #lastActions = new Map<string, LastAction>();
  #last: Change | undefined;
  /** A journal that cannot be written holds nothing up. */
  readonly journal: Journal<JournalEntry>;

  private constructor(directory: string, problems: Problems, onTrouble: () => void) {
    this.#directory = directory;
    this.journal = new Journal(directory, { onTrouble });
    this.#problems = problems;
  }

  /**
   * @param directory of the agent's state; it exists
   * @param onTrouble called when it becomes possible, or impossible, to write the journal
   */
  static async open(directory: string, problems: Problems, onTrouble: () => void): Promise<History> {
    const history = new History(directory, problems, onTrouble);
    for (const entry of await history.entries()) if (isChange(entry)) history.#take(entry);
    return history;
  }

  get lastActions(): ReadonlyMap<string, LastAction> {
    return this.#lastActions;
  }

  get last(): Change | undefined {
    return this.#last;
  }

  /** Everything on record, oldest first, including what is waiting for room on the disk. */
  async entries(): Promise<readonly JournalEntry[]> {
    return [...(await this.#written()), ...this.journal.unwritten];
  }

  /** An unreadable journal counts as empty: the agent goes on without its past. */
  async #written(): Promise<readonly JournalEntry[]> {
    try {
      const written = await readJournal(this.#directory, journalEntrySchema);
      this.#problems.replace("history", []);
      return written;
    } catch (error) {
      this.#problems.replace("history", [notRead(this.#directory, error)]);
      return [];
    }
  }

  /** A repeated failure is recorded once. */
  async record(change: Change): Promise<void> {
    const isRepeated = this.#last !== undefined && isSameFailure(this.#last, change);
    this.#take(change);
    if (!isRepeated) await this.note(change);
  }

  /** Puts down what is not a change of the configuration, too. */
  async note(entry: JournalEntry): Promise<void> {
    await this.journal.append(entry).catch(() => {});
  }

  #take(change: Change): void {
    this.#last = change;
    for (const { unit, kind, ok } of change.actions) this.#lastActions.set(unit, { at: change.at, kind, ok });
  }
}

function notRead(directory: string, error: unknown): Complaining {
  const what = `the journal cannot be read (${messageOf(error)})`;
  const cure = "Changes are still applied. Let the agent's user read that directory.";
  return problemOf("journal_not_written", { where: directory, what, cure }, "the earlier journal");
}

function isSameFailure(one: Change, other: Change): boolean {
  return (
    one.outcome !== "applied" &&
    one.outcome === other.outcome &&
    one.desired === other.desired &&
    one.problem === other.problem
  );
}
