/** Sidekiq finishes its jobs for 25 s and then needs a moment; Rails may take its time to start. */
export const STEP_TIMEOUT_MS = 60_000;

export type StepResult =
  | { readonly kind: "done" }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly what: string; readonly cure: string };

export const DONE: StepResult = { kind: "done" };

export function failed(what: string, cure: string): StepResult {
  return { kind: "failed", what, cure };
}
