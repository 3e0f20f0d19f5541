import type { Merged, Ranked } from "./merge.ts";
import { isSettingName, settingSpec } from "./schema.ts";
import { text, type ValueType } from "./types.ts";
import { VARIABLES } from "./variables.ts";
import type { Layer, Wish } from "./wish.ts";

/** An endpoint arrives in a setting or, if the jail has none, in a Mastodon variable: these look in both. */
export function wishIn(layer: Layer, name: string): Wish | undefined {
  return isSettingName(name) ? layer.settings.get(name) : layer.variables.get(name);
}

export function rankedIn(merged: Pick<Merged, "settings" | "variables">, name: string): Ranked | undefined {
  return isSettingName(name) ? merged.settings.get(name) : merged.variables.get(name);
}

/** Settings and variables together, by name. */
export function namedValues({
  settings,
  variables,
}: Pick<Merged, "settings" | "variables">): ReadonlyMap<string, Ranked> {
  return new Map<string, Ranked>([...settings, ...variables]);
}

/** A variable that is not in the table may be anything, so it is one. */
export function isSecretNamed(name: string): boolean {
  return isSettingName(name) ? settingSpec(name).secret === true : VARIABLES.get(name)?.secret !== false;
}

/** Whether a name that is in no table is a secret's as people name them, so that its value must not be printed anywhere. */
export function soundsSecret(name: string): boolean {
  return /pass|secret|token|key|credential|private|dsn/i.test(name);
}

export function typeNamed(name: string): ValueType {
  return isSettingName(name) ? settingSpec(name).type : (VARIABLES.get(name)?.type ?? text("a text"));
}
