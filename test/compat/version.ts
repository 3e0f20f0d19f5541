/** A further version of a program that the tests can run with, or why there is none. */
export type Found =
  | {
      readonly kind: "here";
      readonly version: string;
      /** Where it came from. */
      readonly from: string;
      /** Makes the test world take it. */
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: "missing"; readonly reason: string };

export interface Subject {
  readonly name: string;
  /** Arguments for vitest: the tests that face this program. */
  readonly tests: readonly string[];
  readonly find: (say: (line: string) => void) => Promise<Found>;
}

export function missing(reason: string): Found {
  return { kind: "missing", reason };
}
