import { explanations, unset } from "../agent/explanation.ts";
import { ExitCode } from "../base/errors.ts";
import type { Options } from "../options.ts";
import type { SettingStatus } from "../report/status.ts";
import { type Place, placesOf, refusalsOf } from "./explain-places.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { type Look, look, standIns } from "./look.ts";
import { namesBehind } from "./names.ts";
import { during } from "./screen/during.ts";
import { columns, hang, shortened } from "./screen/layout.ts";
import { ageOf, localTime, timeOf } from "./screen/moment.ts";
import { type Paint, paintFor } from "./screen/paint.ts";

/** In the table of all on a terminal; one name alone is shown in full. */
const WIDEST_VALUE = 30;

/** Says where values come from. @throws Refused for a name that is neither a setting nor a variable */
export async function explain(
  name: string | undefined,
  { json, ...flags }: CommonFlags & { json?: boolean },
  io: Io,
): Promise<ExitCode> {
  const asked = name === undefined ? undefined : namesBehind(name);
  const options = optionsFrom(flags, io);
  const seen = await during("Asking Consul", io, () => look(options));
  for (const line of standIns(seen)) io.err(line);
  const all = explanations(seen.evaluation.merged, seen.memory);
  const wanted = asked?.map((known) => all.find((each) => each.name === known) ?? unset(known)) ?? all;
  const width = io.isTerminal ? io.size().columns : undefined;
  const sight = { paint: paintFor(io), width };
  if (json)
    io.out(
      JSON.stringify(
        wanted.map((each) => inJson(each, options, seen)),
        null,
        2,
      ),
    );
  else if (asked === undefined) for (const line of table(wanted, sight)) io.out(line);
  else for (const each of wanted) for (const line of story(each, options, seen, sight)) io.out(line);
  return ExitCode.ok;
}

interface Sight {
  readonly paint: Paint;
  readonly width: number | undefined;
}

function inJson(setting: SettingStatus, options: Options, seen: Look): object {
  const nothing = placesOf(setting, options, seen).filter((place) => "nothing" in place);
  return { ...setting, nothing, refused: refusalsOf(setting.name, options, seen) };
}

function table(settings: readonly SettingStatus[], { paint, width }: Sight): readonly string[] {
  const now = new Date();
  const header = ["NAME", "VALUE", "SINCE", "FROM"].map((title) => paint.bold(title));
  const rows = settings.flatMap(({ name, since, values: [inForce] }) =>
    inForce === undefined
      ? []
      : [
          [
            name,
            shortened(inForce.value, WIDEST_VALUE, width),
            since === null ? "-" : timeOf(since, now),
            origin(inForce),
          ],
        ],
  );
  return columns([header, ...rows], width);
}

function story(
  setting: SettingStatus,
  options: Options,
  seen: Look,
  { paint, width }: Sight,
): readonly string[] {
  const { name, feeds, readers, since, values } = setting;
  const [inForce] = values;
  const title = paint.bold(feeds.length > 0 ? `${name} (${feeds.join(", ")})` : name);
  const refusals = refusalsOf(name, options, seen);
  const rows = placesOf(setting, options, seen).map((place) => placeRow(place, inForce, paint));
  return [
    ...hang(
      "",
      inForce
        ? `${title} = ${paint.bold(inForce.value)}, from ${origin(inForce)}`
        : `${title} is not set by any source`,
      width,
    ),
    ...(since === null ? [] : [`  in force since ${localTime(since)} (${ageOf(since, new Date())})`]),
    ...hang("  ", `read by ${readers.length > 0 ? readers.join(", ") : "templates only"}`, width),
    ...columns(rows, width),
    ...refusals.flatMap((refusal) => hang("  ", paint.red(`refused: ${refusal}`), width)),
  ];
}

/** The winner is marked: it is the first of all that are on offer. */
function placeRow(place: Place, inForce: Value | undefined, paint: Paint): readonly string[] {
  const { level } = place;
  if ("nothing" in place) return [`    ${paint.dim(level)}`, paint.dim("-"), paint.dim(place.nothing)];
  const { value } = place;
  const text = level === value.where ? "" : `${value.where}${ofIndex(value)}`;
  return value === inForce
    ? [`  ${paint.green("*")} ${paint.green(level)}`, paint.green(value.value), text]
    : [`    ${level}`, value.value, text];
}

type Value = SettingStatus["values"][number];

function origin(value: Value): string {
  const { level, where } = value;
  return level === where ? level : `${level}: ${where}${ofIndex(value)}`;
}

function ofIndex({ index }: Value): string {
  return index === null ? "" : ` (index ${index})`;
}
