/** Which entries are meant: the flags of `history` applied to the journal. */
import type { Change } from "../report/change.ts";
import { isChange, type JournalEntry } from "../report/journal-entry.ts";
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

/** @param journal oldest first, and so is the result */
export function filtered(journal: readonly JournalEntry[], filter: HistoryFilter): readonly JournalEntry[] {
  const { since, until, outcome, unit, name } = filter;
  const names = name === undefined ? undefined : namesOf(name);
  // A hold has no outcome and no unit, and concerns no single setting.
  const ofChange = [
    outcome !== undefined && ((change: Change) => change.outcome === outcome),
    unit !== undefined && (({ units }: Change) => units.includes(unit)),
    names !== undefined && ((change: Change) => concerns(change, names)),
  ].filter((accepts) => accepts !== false);
  return journal
    .filter(({ at }) => since === undefined || new Date(at) >= since)
    .filter(({ at }) => until === undefined || new Date(at) <= until)
    .filter((entry) => ofChange.every((accepts) => isChange(entry) && accepts(entry)))
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
