/** What a transaction needs, and its result. The kinds of outcomes are the names that they have everywhere. */
import type { Ledger } from "./deeds.ts";
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
}

/** Nothing has changed, on disk or in any unit. */
export interface RefusedOutcome {
  readonly kind: "refused";
  readonly stage: "stage" | "check" | "gate" | "remember";
  readonly error: unknown;
}

/** The machine did not do its part. It is retried. */
export interface Failed {
  readonly kind: "failed";
  readonly stage: "write" | "reload" | "verify";
  readonly unit?: string;
  readonly error: unknown;
  /** Absent if there was no verified state to go back to: the new files stay and the units are retried. */
  readonly undone?: Undone;
}

/** A unit did not run well with the new files. They are rejected, and the old ones are back. */
export interface PutBack {
  readonly kind: "put_back";
  readonly stage: "reload" | "verify";
  readonly unit: string;
  readonly error: unknown;
  readonly undone: Undone;
}

/** What was rolled back after a failure. Without errors everything is as before, and verified. */
export interface Undone {
  /** Paths. */
  readonly files: readonly string[];
  readonly units: readonly string[];
  readonly errors: readonly unknown[];
}

export type Outcome = Applied | RefusedOutcome | Failed | PutBack;

/** A transaction under way, and what it has done so far. */
export interface Transaction extends ApplyContext {
  readonly ledger: Ledger;
}
