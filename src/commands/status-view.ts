/** The status as an operator reads it: what is going on, since when, and what to do. At most 80 columns on a terminal. */

import { bracketed } from "../base/address.ts";
import { releaseCommand } from "../report/hold.ts";
import { originText } from "../report/origin.ts";
import type { EndpointStatus, State, Status, UnitStatus } from "../report/status.ts";
import { holderText, waitingText } from "../report/waiting.ts";
import { labelOf } from "../settings/instance.ts";
import { hang, labelled } from "./screen/layout.ts";
import { ageOf, lengthOf, timeOf } from "./screen/moment.ts";
import type { Paint } from "./screen/paint.ts";

export interface Sight {
  readonly paint: Paint;
  readonly now: Date;
  /** Undefined if lines need not be folded. */
  readonly width: number | undefined;
}

type Row = readonly [name: string, text: string];

/** For scrolling: problems come last, where the eye is. */
export function statusLines(status: Status, sight: Sight): readonly string[] {
  const details = labelled(rows(status, sight), sight.width);
  return [...headline(status, sight), ...details, ...problems(status, sight)];
}

/** For a screen that may be too small: what matters least falls off the end. */
export function screenLines(status: Status, sight: Sight): readonly string[] {
  const details = labelled(rows(status, sight), sight.width);
  return [...headline(status, sight), ...problems(status, sight), ...details];
}

function headline({ state, node, reason }: Status, { paint, width }: Sight): readonly string[] {
  const shown = paint.bold(colourOf(state, paint)(state));
  return hang("", `${paint.bold(node)} is ${shown}: ${reason}`, width);
}

function problems({ problems: all }: Status, sight: Sight): readonly string[] {
  const { paint, width } = sight;
  return all.flatMap(({ code, message, since }) => [
    ...hang("", paint.red(`${code}, since ${when(since, sight)}`), width),
    ...hang("  ", message, width),
  ]);
}

function rows(status: Status, sight: Sight): readonly Row[] {
  const { paint } = sight;
  const { hold, hold_keys, hold_since } = status;
  return [
    [
      "since",
      `${when(status.since, sight)}; agent ${status.version} since ${when(status.started_at, sight)}`,
    ],
    ...(hold === null ? [] : holdRows({ reason: hold, keys: hold_keys, since: hold_since }, sight)),
    ...Object.entries(status.endpoints).flatMap(([name, endpoint]) => endpointRows(name, endpoint, sight)),
    ...Object.entries(status.units).map(([name, unit]) => [name, unitText(unit, sight)] as const),
    ...migrationRows(status.migration, sight),
    ...certificatesRows(status.certificates_turn, sight),
    ["consul", consulText(status.consul, paint)],
    ["watches", watchesText(status.watches, paint)],
    ...nextChangeRows(status.next_change, sight),
    ...(status.last_change === null ? [] : [["last change", changeText(status.last_change, sight)] as const]),
  ];
}

function nextChangeRows(next: Status["next_change"], { paint, now }: Sight): readonly Row[] {
  if (next === null) return [];
  const text = waitingText(next.waiting, (iso) => timeOf(iso, now));
  return [["next change", `${next.cause}; it ${paint.yellow(text)}`]];
}

interface Held {
  readonly reason: string;
  readonly keys: readonly string[];
  readonly since: string | null;
}

export function holdRows({ reason, keys, since }: Held, sight: Sight): readonly Row[] {
  return [
    ["hold", `${sight.paint.yellow(reason)}${since === null ? "" : `, since ${when(since, sight)}`}`],
    ["", `To end the hold: ${releaseCommand(keys)}`],
  ];
}

/** Nothing if there is nothing to do. */
function migrationRows(migration: Status["migration"], sight: Sight): readonly Row[] {
  if (migration === null || migration.state === "ready" || migration.state === "unknown") return [];
  const { state, reason, since, output } = migration;
  const colour = state === "failed" ? sight.paint.red : sight.paint.yellow;
  const last = output?.split(" | ").at(-1) ?? "";
  return [
    ["database", `${colour(state)} since ${when(since, sight)}: ${reason}`],
    ...(state === "running" && last !== "" ? [["", sight.paint.dim(last)] as const] : []),
  ];
}

function certificatesRows(turn: Status["certificates_turn"], sight: Sight): readonly Row[] {
  if (turn === null) return [];
  return [
    ["certificates", `waiting since ${when(turn.since, sight)} for the turn to order; ${holderText(turn)}`],
  ];
}

/** A single, chosen candidate needs no explanation. */
function endpointRows(
  name: string,
  { candidates, catalogue, ...endpoint }: EndpointStatus,
  sight: Sight,
): readonly Row[] {
  const against = candidates
    .filter(({ eligible }) => !eligible)
    .map((candidate) => `${labelOf(candidate, candidates)}: ${candidate.reason}`);
  const count = `${candidates.length - against.length} of ${candidates.length} may be chosen`;
  const isPlain = candidates.length === 0 || (candidates.length === 1 && against.length === 0);
  const others = catalogue === "unanswered" ? [NOT_ASKED] : isPlain ? [] : [[count, ...against].join("; ")];
  return [
    [name, endpointText(endpoint, sight)],
    ...others.map((text) => ["", sight.paint.dim(text)] as const),
  ];
}

const NOT_ASKED = "Consul has not yet said which instances there are";

export function endpointText(
  { host, port, since, check, ...origin }: Omit<EndpointStatus, "candidates" | "catalogue">,
  sight: Sight,
): string {
  if (host === null) return sight.paint.yellow("not known");
  const place = sight.paint.bold(`${bracketed(host)}:${port}`);
  const taken = `from ${originText(origin)}${since === null ? "" : `, since ${timeOf(since, sight.now)}`}`;
  return `${place} ${taken}, ${checkText(check, sight)}`;
}

function checkText({ healthy, reason, since }: EndpointStatus["check"], { paint, now }: Sight): string {
  if (healthy === null) return paint.dim("not checked");
  if (healthy) return paint.green("healthy");
  return paint.red(`failing${since === null ? "" : ` since ${timeOf(since, now)}`}: it ${reason}`);
}

function unitText(unit: UnitStatus, sight: Sight): string {
  const { paint, now } = sight;
  const { current, last_action: last } = unit;
  return [
    healthText(unit, sight),
    ...(current ? [] : [paint.yellow("not running with the newest configuration")]),
    ...(last === null ? [] : [`${last.kind} ${timeOf(last.at, now)}${last.ok ? "" : paint.red(" failed")}`]),
  ].join(", ");
}

function healthText({ healthy, reason, since }: UnitStatus, { paint, now }: Sight): string {
  if (healthy === null) return "health unknown";
  if (healthy) return paint.green("healthy");
  return paint.red(`not healthy${since === null ? "" : ` since ${timeOf(since, now)}`}: ${reason}`);
}

function consulText({ connected, joined, members }: Status["consul"], paint: Paint): string {
  if (joined) return `joined, ${members} members`;
  return paint.red(connected ? `not joined, ${members} members` : "not joined: the client does not answer");
}

function watchesText(watches: Status["watches"], paint: Paint): string {
  const troubled = watches.filter(({ problem }) => problem !== null);
  const ages = watches.flatMap(({ name, age_seconds: age }) => (age === null ? [] : [{ name, age }]));
  const oldest = ages.toSorted((one, other) => other.age - one.age)[0];
  return [
    `${watches.length - troubled.length} of ${watches.length} answer`,
    ...(oldest === undefined ? [] : [`oldest answer ${oldest.age} s ago (${oldest.name})`]),
    ...troubled.map(({ name, problem }) => paint.red(`${name}: ${problem}`)),
  ].join(", ");
}

export function changeText(change: NonNullable<Status["last_change"]>, { paint, now }: Sight): string {
  const { at, outcome, cause, units, duration_ms } = change;
  const result = outcome === "applied" ? paint.green(outcome) : paint.red(outcome);
  const reloaded = units.length === 0 ? "no unit" : units.join(", ");
  return `${timeOf(at, now)} ${result}: ${cause}; ${reloaded}, ${lengthOf(duration_ms)}`;
}

function colourOf(state: State, paint: Paint): (text: string) => string {
  if (state === "converged") return paint.green;
  return state === "failed" ? paint.red : paint.yellow;
}

export function when(iso: string, { now }: Sight): string {
  return `${timeOf(iso, now)} (${ageOf(iso, now)})`;
}
