/**
 * What became of a change, with the same four names everywhere: all of it is in force; nothing was touched; something
 * did not do its part, and it is retried; a unit did not run well with it, and the old files are back.
 */
export const OUTCOMES = ["applied", "refused", "failed", "put_back"] as const;

export type ChangeOutcome = (typeof OUTCOMES)[number];
