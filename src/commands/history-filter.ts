/** Which changes are meant: the flags of `history` applied to the journal. */
import type { Change } from "../report/change.ts";
import { SETTING_NAMES } from "../settings/schema.ts";
import { VARIABLES } from "../settings/variables.ts";

export interface HistoryFilter {
  /** No older than this. */
  readonly since?: Date;
  /** No newer than this. */
  readonly until?: Date;
  readonly outcome?: string;
  readonly unit?: string;
  /** A setting, a variable or a dependency. */
  readonly name?: string;
  /** How many of the newest. */
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

/** A variable changes with the settings that feed it. A name that is unknown now may once have been known. */
function namesOf(name: string): ReadonlySet<string> {
  const origin = VARIABLES.get(name)?.origin;
  if (origin?.kind === "setting") return new Set([origin.setting]);
  if (origin?.kind === "derived") return new Set(origin.from);
  const setting = SETTING_NAMES.find((known) => known === name.toUpperCase());
  return new Set([name, setting ?? name]);
}
