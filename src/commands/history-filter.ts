/** Which changes are meant: the flags of `history` against what is on record. */
import type { Change } from "../report/change.ts";
import { SETTING_NAMES } from "../settings/schema.ts";
import { VARIABLES } from "../settings/variables.ts";

export interface HistoryFilter {
  /** Not older. */
  readonly since?: Date;
  /** Not newer. */
  readonly until?: Date;
  readonly outcome?: string;
  readonly unit?: string;
  /** A setting, a variable or a dependency. */
  readonly name?: string;
  /** The newest so many. */
  readonly limit: number;
}

/** @param changes oldest first, and so is the result */
export function filtered(changes: readonly Change[], filter: HistoryFilter): readonly Change[] {
  const { since, until, outcome, unit, name } = filter;
  const names = name === undefined ? undefined : namesOf(name);
  return changes
    .filter(({ at }) => since === undefined || new Date(at) >= since)
    .filter(({ at }) => until === undefined || new Date(at) <= until)
    .filter((change) => outcome === undefined || change.outcome === outcome)
    .filter(({ units }) => unit === undefined || units.includes(unit))
    .filter((change) => names === undefined || concerns(change, names))
    .slice(-filter.limit);
}

function concerns({ values, endpoints }: Change, names: ReadonlySet<string>): boolean {
  return (
    values.some(({ name }) => names.has(name)) || endpoints.some(({ dependency }) => names.has(dependency))
  );
}

/** A variable changes with the settings that feed it. What is not known now may have been once. */
function namesOf(name: string): ReadonlySet<string> {
  const origin = VARIABLES.get(name)?.origin;
  if (origin?.kind === "setting") return new Set([origin.setting]);
  if (origin?.kind === "derived") return new Set(origin.from);
  const setting = SETTING_NAMES.find((known) => known === name.toUpperCase());
  return new Set([name, setting ?? name]);
}
