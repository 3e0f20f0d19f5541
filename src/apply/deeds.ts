import type { Action } from "./plan.ts";

/** What a transaction really did to files and units, in order; what it only had in mind is not in it. */
export interface Deeds {
  /** Paths that hold, or held until they were restored, the new content. */
  readonly wrote: readonly string[];
  /** Paths that have their old content back. */
  readonly restored: readonly string[];
  /** Also those of a rollback. `ok`: the unit was healthy afterwards. */
  readonly actions: readonly ActionDone[];
}

export interface ActionDone {
  readonly unit: string;
  readonly kind: Action["kind"];
  readonly ok: boolean;
}

/** Takes down what is done as it happens. */
export class Ledger implements Deeds {
  readonly wrote: string[] = [];
  readonly restored: string[] = [];
  readonly actions: ActionDone[] = [];
}
