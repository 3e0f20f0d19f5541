/** What a transaction needs, and its result. */
import type { Gate } from "./gate.ts";
import type { UnitDigests } from "./plan.ts";
import type { StepContext } from "./steps.ts";

export interface ApplyContext extends StepContext {
  /** Run once all files are checked. */
  readonly gate?: Gate | undefined;
  /** Asks to stop. An apply that has begun is still finished: half a reload helps nobody. */
  readonly signal: AbortSignal;
  /** Persists what a unit runs with from now on; an empty digest says that it is not known. */
  remember(unit: string, digests: UnitDigests): Promise<void>;
}

export interface Applied {
  readonly kind: "applied";
  readonly units: readonly string[];
  /** Paths. */
  readonly wrote: readonly string[];
  readonly durationMs: number;
}

/** Nothing has changed, on disk or in any unit. */
export interface RefusedOutcome {
  readonly kind: "refused";
  readonly stage: "stage" | "check" | "gate" | "remember";
  readonly error: unknown;
}

export interface Failed {
  readonly kind: "failed";
  readonly stage: "write" | "reload" | "verify";
  readonly unit?: string;
  readonly error: unknown;
  /** Absent if there was no verified state to go back to: the new files stay and the units are retried. */
  readonly undone?: Undone;
}

/** What was rolled back after a failure. Without errors everything is as before, and verified. */
export interface Undone {
  /** Paths. */
  readonly files: readonly string[];
  readonly units: readonly string[];
  readonly errors: readonly unknown[];
}

export type Outcome = Applied | RefusedOutcome | Failed;

/** Not for a failed write: that is the machine's fault, not that of what was written. */
export function wasPutBack(outcome: Outcome): boolean {
  return outcome.kind === "failed" && outcome.stage !== "write" && outcome.undone !== undefined;
}
