import { messageOf, TryAgain } from "../base/errors.ts";

/** What is kept on disk, and stays in memory as long as it cannot be written. */
export interface Persisted {
  /** Why something is not on disk; undefined if everything is. */
  readonly trouble: TryAgain | undefined;
  /** Writes what is not on disk yet. @throws TryAgain, which is `trouble` from then on */
  flush(): Promise<void>;
}

/** The writes of one such thing, and the outcome of the last one. */
export class Writes {
  readonly #directory: string;
  readonly #what: string;
  readonly #onTrouble: () => void;
  #trouble: TryAgain | undefined;

  /**
   * @param what it is, such as "the state"
   * @param onTrouble called when `trouble` changes
   */
  constructor(directory: string, what: string, onTrouble: () => void) {
    this.#directory = directory;
    this.#what = what;
    this.#onTrouble = onTrouble;
  }

  get trouble(): TryAgain | undefined {
    return this.#trouble;
  }

  /** @throws TryAgain instead of the system's error */
  async run(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const trouble = this.#troubleOf(error);
      this.#see(trouble);
      throw trouble;
    }
    this.#see(undefined);
  }

  #see(trouble: TryAgain | undefined): void {
    const isOther = trouble?.message !== this.#trouble?.message;
    this.#trouble = trouble;
    if (isOther) this.#onTrouble();
  }

  #troubleOf(cause: unknown): TryAgain {
    const what = `${this.#what} cannot be written (${messageOf(cause)})`;
    const cure = "Make paths.state a directory with free space that the agent's user may write to.";
    return new TryAgain({ where: this.#directory, what, cure }, { cause });
  }
}
