/** An entry of the journal as one line, with a change's details below if asked for. */
import type { Change } from "../report/change.ts";
import type { HoldEvent } from "../report/hold.ts";
import { isChange, type JournalEntry } from "../report/journal-entry.ts";
import { OUTCOMES } from "../report/outcomes.ts";
import { hang, labelled } from "./screen/layout.ts";
import { ageOf, lengthOf, localTime } from "./screen/moment.ts";
import type { Paint } from "./screen/paint.ts";

const OUTCOME_WIDTH = Math.max(...OUTCOMES.map(({ length }) => length));
const LENGTH_WIDTH = "9999 ms".length;

export interface HistorySight {
  readonly paint: Paint;
  readonly width: number | undefined;
  readonly verbose: boolean;
}

export function entryLines(entry: JournalEntry, sight: HistorySight): readonly string[] {
  return isChange(entry) ? changeLines(entry, sight) : holdLines(entry, sight);
}

function holdLines({ at, hold, reason, keys, since }: HoldEvent, { paint, width }: HistorySight) {
  const length = hold === "ended" ? ageOf(since, new Date(at)) : "";
  const beginning = `${localTime(at)}  ${paint.yellow("hold".padEnd(OUTCOME_WIDTH))}  ${length.padStart(LENGTH_WIDTH)}  `;
  return hang(beginning, `${hold}: ${reason} (${keys.join(", ")})`, width);
}

function changeLines(change: Change, { paint, width, verbose }: HistorySight): readonly string[] {
  const { at, outcome, duration_ms, cause, units, urgent, takeover: { removed } = { removed: [] } } = change;
  const result = (outcome === "applied" ? paint.green : paint.red)(outcome);
  const gap = " ".repeat(OUTCOME_WIDTH - outcome.length);
  const parts = [
    `${cause};`,
    units.length === 0 ? "no unit" : units.join(", "),
    ...(urgent ? [paint.yellow("(urgent)")] : []),
    ...(removed.length > 0 ? [paint.yellow(`(removed ${removed.join(", ")})`)] : []),
  ];
  const beginning = `${localTime(at)}  ${result}${gap}  ${lengthOf(duration_ms).padStart(LENGTH_WIDTH)}  `;
  return [
    ...hang(beginning, parts.join(" "), width),
    ...(verbose ? labelled(details(change, paint), width && width - 2).map((line) => `  ${line}`) : []),
  ];
}

function details(change: Change, paint: Paint): readonly (readonly [string, string])[] {
  const { problem, values, endpoints, wrote, restored, actions, spans } = change;
  return [
    ...(problem === null ? [] : [["problem", paint.red(problem)] as const]),
    ...values.map(
      ({ name, before, after, source, index }) =>
        [name, `${arrow(before, after)}${source === null ? "" : `  (${source}${ofIndex(index)})`}`] as const,
    ),
    ...endpoints.map(({ dependency, before, after }) => [dependency, arrow(before, after)] as const),
    ...takeoverDetails(change),
    ...wrote.map((path) => ["wrote", path] as const),
    ...actions.map(({ unit, kind, ok }) => [kind, ok ? unit : paint.red(`${unit} (failed)`)] as const),
    ...restored.map((path) => ["restored", path] as const),
    ["took", spans.map(spanText).join(", ")],
  ];
}

function takeoverDetails({ takeover }: Change): readonly (readonly [string, string])[] {
  if (takeover === undefined) return [];
  const { copy, carried, removed } = takeover;
  return [
    ["carried over", carried.join(", ") || "nothing"],
    ["removed", removed.join(", ") || "nothing"],
    ["copy", copy],
  ];
}

function arrow(before: string | null, after: string | null): string {
  return `${before ?? "(none)"} -> ${after ?? "(none)"}`;
}

function ofIndex(index: number | null): string {
  return index === null ? "" : `, index ${index}`;
}

function spanText({ stage, unit, ms, ok }: Change["spans"][number]): string {
  return `${stage}${unit === undefined ? "" : ` ${unit}`} ${lengthOf(ms)}${ok ? "" : " (failed)"}`;
}
