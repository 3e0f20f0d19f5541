import type { Key } from "./files.ts";
import type { KeyTexts } from "./format.ts";
import type { KeyVariable } from "./names.ts";

/** Rendered variable <- the file's variable whose value the configure-once jail flavour gave it. */
const CROSSED: readonly (readonly [KeyVariable, KeyVariable])[] = [
  ["ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY", "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"],
  ["ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT", "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY"],
  ["ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"],
];

/** Whether the live values are exactly the file's, each in the place where that flavour put it. */
export function isCrossWired(inFile: Key, live: KeyTexts): boolean {
  return CROSSED.every(([rendered, source]) => {
    const value = live.get(rendered);
    return value !== undefined && value === inFile.values.get(source)?.reveal();
  });
}
