import { roundedMs, type Span } from "../base/span.ts";
import type { Options } from "../options.ts";
import type { Applier } from "./applier.ts";
import type { Attempt } from "./attempt.ts";
import type { Seen } from "./loop.ts";
import type { Due } from "./schedule.ts";

/** When the loop and its rollback may apply, and what both know about the units. */
export class Pacing {
  readonly #config: Options["config"];
  readonly #applier: Pick<Applier, "lastReloadMs">;
  /** Disk and units have been compared with what is asked for at least once. */
  hasLooked = false;

  constructor({ config }: Options, applier: Pick<Applier, "lastReloadMs">) {
    this.#config = config;
    this.#applier = applier;
  }

  dueAt(attempt: Attempt, isUrgent: boolean): Due {
    const { settle, reload } = this.#config;
    return attempt.dueAt(
      { isUrgent, isFirst: !this.hasLooked, lastReloadMs: this.#applier.lastReloadMs },
      { settleMinMs: settle.min, settleMaxMs: settle.max, minIntervalMs: reload.min_interval },
    );
  }

  /**
   * How long a change waited: for the loop; to settle, for the interval or for its retry; for this node's turn; and the
   * evaluation it comes from.
   */
  waySoFar(attempt: Attempt, { inputs: { nowMs }, spans }: Seen, isUrgent: boolean): readonly Span[] {
    const { notifyMs, waitingSinceMs } = attempt;
    const { atMs, after } = this.dueAt(attempt, isUrgent);
    const dueMs = Math.min(Math.max(atMs, waitingSinceMs), nowMs);
    return [
      { stage: "notify", ms: roundedMs(notifyMs), ok: true },
      { stage: after, ms: roundedMs(dueMs - waitingSinceMs), ok: true },
      { stage: "turn", ms: roundedMs(nowMs - dueMs), ok: true },
      ...spans,
    ];
  }
}
