import { isDeepStrictEqual } from "node:util";
import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import type { HoldEvent } from "../report/hold.ts";
import type { Log } from "../report/log.ts";
import type { Problems } from "../report/problems.ts";
import type { StateStore } from "../state/store.ts";
import type { Evaluation } from "./evaluate.ts";
import { FORGOTTEN_MS, holdProblems } from "./hold-problems.ts";
import type { Memory } from "./memory.ts";

export interface HoldKeeperOptions {
  readonly store: Pick<StateStore<Memory>, "read" | "update">;
  readonly problems: Problems;
  readonly log: Log;
  /** Puts it into the journal. */
  readonly record: (event: HoldEvent) => Promise<void>;
}

/** Remembers since when an operator holds changes, puts it on record, and says what the hold keeps from happening. */
export class HoldKeeper {
  readonly #options: HoldKeeperOptions;
  readonly #bell = new Bell();
  #seen: Evaluation | undefined;

  constructor(options: HoldKeeperOptions) {
    this.#options = options;
  }

  /** Takes what a round has made of Consul's KV, or of what was known of it. */
  async see(evaluation: Evaluation): Promise<void> {
    this.#seen = evaluation;
    await this.#keep(evaluation.kv.hold);
    this.#report(evaluation);
    this.#bell.ring();
  }

  /** A hold becomes a forgotten one by time alone. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { hold } = this.#options.store.read();
      const forgottenMs = hold && Date.parse(hold.since) + FORGOTTEN_MS;
      const dueMs = forgottenMs !== undefined && forgottenMs > steadyMs() ? forgottenMs : undefined;
      await this.#bell.wait(dueMs, steadyMs(), signal);
      if (this.#seen !== undefined) this.#report(this.#seen);
    }
  }

  async #keep(hold: Evaluation["kv"]["hold"]): Promise<void> {
    const before = this.#options.store.read().hold;
    if (hold === undefined && before !== undefined) await this.#tell("ended", before);
    if (hold === undefined) return this.#remember(undefined);
    const now = {
      since: before?.since ?? new Date().toISOString(),
      reason: hold.reason,
      keys: [...hold.keys],
      modifyIndex: hold.modifyIndex,
    };
    if (before === undefined) await this.#tell("begun", now);
    await this.#remember(now);
  }

  async #tell(event: HoldEvent["hold"], { since, reason, keys }: NonNullable<Memory["hold"]>): Promise<void> {
    const { log, record } = this.#options;
    log.info({ reason, keys, since }, `hold ${event}`);
    await record({ at: new Date().toISOString(), hold: event, reason, keys, since });
  }

  /** What cannot be written is known all the same, and written with whatever is next; whoever writes that says so. */
  async #remember(hold: Memory["hold"]): Promise<void> {
    const { store } = this.#options;
    if (isDeepStrictEqual(store.read().hold, hold)) return;
    const change = ({ hold: _, ...memory }: Memory): Memory => ({ ...memory, ...(hold && { hold }) });
    await store.update(change).catch(() => {});
  }

  #report(evaluation: Evaluation): void {
    const { store, problems } = this.#options;
    problems.replace("hold", holdProblems(evaluation, store.read(), steadyMs()));
  }
}
