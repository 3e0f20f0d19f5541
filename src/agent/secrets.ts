import { Secret } from "../base/secret.ts";
import type { PinnedKeys } from "../keys/load.ts";
import type { Merged } from "../settings/merge.ts";

/** Every secret that any source holds at the moment, in force or not. */
export function secretsIn(merged: Merged, keys: PinnedKeys | undefined): readonly Secret[] {
  const wishes = [...merged.settings.values(), ...merged.variables.values()].flat();
  const values = wishes.map(({ value }) => value).filter((value) => value instanceof Secret);
  return [...values, ...(keys?.variables.values() ?? [])];
}
