/** A further version of a program that the tests can run with, or why there is none. */
export type Found = Here | { readonly kind: "missing"; readonly reason: string };

export interface Here {
  readonly kind: "here";
  readonly version: string;
  /** Where it came from. */
  readonly from: string;
  /** Makes the test world take it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the tests, where that is more than to start vitest here. */
  readonly command?: readonly string[];
  /** Takes away what was made for it. */
  readonly remove?: () => Promise<void>;
}

export interface Subject {
  readonly name: string;
  /** Arguments for vitest: the tests that face this program. */
  readonly tests: readonly string[];
  readonly find: (say: (line: string) => void) => Promise<Found>;
}

export function missing(reason: string): Found {
  return { kind: "missing", reason };
}
