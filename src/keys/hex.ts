import { randomBytes } from "node:crypto";
import { blankDefect, type KeyFormat } from "./format.ts";
import type { KeyVariable } from "./names.ts";

/** A file that is one value: 64 random bytes as 128 lower-case hexadecimal characters, as `rails secret` prints it. */
export function hexSecret(variable: KeyVariable): KeyFormat {
  return {
    variables: [variable],
    pick: (text) => new Map([[variable, text.trim()]]),
    defect: (values) => blankDefect([variable], values),
    oddity: (values) =>
      /^[0-9a-f]{128}$/.test(values.get(variable) ?? "")
        ? undefined
        : `expected 128 lower-case hexadecimal characters for ${variable} and nothing else`,
    print: (values) => `${values.get(variable)}\n`,
    generate: () => new Map([[variable, randomBytes(64).toString("hex")]]),
    canonical: (_, value) => value,
  };
}
