/** Where every value comes from, for the status and for `explain`: everything on offer, the one in force first. */
import type { SettingStatus } from "../report/status.ts";
import type { Merged } from "../settings/merge.ts";
import { VARIABLE_NAMES, VARIABLES } from "../settings/variables.ts";
import type { Wish } from "../settings/wish.ts";
import type { Memory } from "./memory.ts";

/** Every setting and variable that some source knows. A secret is `[redacted]`. */
export function explanations(
  { settings, variables }: Pick<Merged, "settings" | "variables">,
  memory: Pick<Memory, "since">,
): readonly SettingStatus[] {
  const named = new Map<string, readonly Wish[]>([...settings, ...variables]);
  return [...named].map(([name, wishes]) => ({
    ...unset(name),
    since: memory.since[name]?.at ?? null,
    values: wishes.map(({ level, value, where, index }) => ({
      level,
      value: String(value),
      where,
      index: index ?? null,
    })),
  }));
}

/** What is known about a name that no source has a value for. */
export function unset(name: string): SettingStatus {
  const feeds = VARIABLE_NAMES.filter((variable) => isFedBy(variable, name));
  const readers = new Set((feeds.length > 0 ? feeds : [name]).flatMap(readersOf));
  return { name, feeds: [...feeds], readers: [...readers], since: null, values: [] };
}

function isFedBy(variable: string, setting: string): boolean {
  const origin = VARIABLES.get(variable)?.origin;
  if (origin?.kind === "derived") return origin.from.some((name) => name === setting);
  return origin?.kind === "setting" && origin.setting === setting;
}

function readersOf(variable: string): readonly string[] {
  const spec = VARIABLES.get(variable);
  return spec === undefined ? [] : [...spec.readers, ...spec.processReaders];
}
