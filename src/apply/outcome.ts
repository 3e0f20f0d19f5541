/** What a transaction needs, and what it comes to. */
import type { Gate } from "./gate.ts";
import type { UnitDigests } from "./plan.ts";
import type { StepContext } from "./steps.ts";

export interface ApplyContext extends StepContext {
  /** Asked once all files are checked. */
  readonly gate?: Gate | undefined;
  /** Asks to stop. An apply that has begun is finished all the same: half a reload helps nobody. */
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
  /** Absent where there was no verified state to go back to: the new files stay and the units are tried again. */
  readonly undone?: Undone;
}

/** What was put back after a failure. Without errors everything is as it was before, and verified. */
export interface Undone {
  /** Paths. */
  readonly files: readonly string[];
  readonly units: readonly string[];
  readonly errors: readonly unknown[];
}

export type Outcome = Applied | RefusedOutcome | Failed;

/** Not of a failed write: there the machine is to blame, and not what was written. */
export function wasPutBack(outcome: Outcome): boolean {
  return outcome.kind === "failed" && outcome.stage !== "write" && outcome.undone !== undefined;
}
