import { explanations, unset } from "../agent/explanation.ts";
import { obstacleIn } from "../agent/obstacle.ts";
import { ExitCode } from "../base/errors.ts";
import type { Options } from "../options.ts";
import type { SettingStatus } from "../report/status.ts";
import { type Waiting, waitingText } from "../report/waiting.ts";
import { askAgent } from "./ask-agent.ts";
import { type Place, placesOf } from "./explain-places.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { type Look, look, standIns } from "./look.ts";
import { namesBehind } from "./names.ts";
import { during } from "./screen/during.ts";
import { columns, hang, shortened } from "./screen/layout.ts";
import { ageOf, localTime, timeOf } from "./screen/moment.ts";
import { type Paint, paintFor } from "./screen/paint.ts";

/** In the table of everything on a terminal; a single name is shown in full. */
const WIDEST_VALUE = 30;

/** Says where values come from, and what is waiting. @throws Refused for a name that is neither a setting nor a variable */
export async function explain(
  name: string | undefined,
  { json, ...flags }: CommonFlags & { json?: boolean },
  io: Io,
): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  const seen = await during("Asking Consul", io, () => look(options));
  for (const line of standIns(seen)) io.err(line);
  const waiting = await waitingFor(seen, options);
  const all = explanations({ ...seen, waiting });
  const asked =
    name === undefined
      ? undefined
      : namesBehind(name, [...all.map((each) => each.name), ...options.own.keys()]);
  const wanted =
    asked?.map((known) => all.find((each) => each.name === known) ?? unset(known, options.own)) ?? all;
  const width = io.isTerminal ? io.size().columns : undefined;
  const sight = { paint: paintFor(io), now: new Date(), width };
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
  readonly now: Date;
  readonly width: number | undefined;
}

/** The running agent knows best. Without it, sources and state show the rest. */
async function waitingFor({ evaluation, memory }: Look, { config }: Options): Promise<Waiting | undefined> {
  const obstacle = obstacleIn(evaluation, memory);
  const answer = await askAgent(config);
  if (answer.kind === "status") return answer.status.next_change?.waiting ?? obstacle;
  return obstacle ?? { kind: "agent", url: answer.url };
}

function inJson(setting: SettingStatus, options: Options, seen: Look): object {
  const nothing = placesOf(setting, options, seen).filter((place) => "nothing" in place);
  return { ...setting, nothing };
}

function table(settings: readonly SettingStatus[], { paint, now, width }: Sight): readonly string[] {
  const header = ["NAME", "VALUE", "SINCE", "FROM"].map((title) => paint.bold(title));
  const rows = settings.flatMap(({ name, since, in_force: inForce, waiting, values: [asked] }) => {
    const title = inForce === null ? name : "  asked for";
    const cell = (text = "-") => shortened(text, WIDEST_VALUE, width);
    const at = since === null ? "-" : timeOf(since, now);
    return [
      ...(inForce === null ? [] : [[name, cell(inForce.value ?? "-"), at, origin(inForce)]]),
      ...(waiting === null
        ? []
        : [[title, cell(asked?.value), paint.yellow("waits"), asked === undefined ? "-" : origin(asked)]]),
    ];
  });
  return columns([header, ...rows], width);
}

function story(setting: SettingStatus, options: Options, seen: Look, sight: Sight): readonly string[] {
  const { paint, now, width } = sight;
  const { readers, since, refused } = setting;
  const rows = placesOf(setting, options, seen).map((place) => placeRow(place, setting, paint));
  return [
    ...hang("", headline(setting, paint), width),
    ...(since === null ? [] : [`  in force since ${localTime(since)} (${ageOf(since, now)})`]),
    ...askedLines(setting, sight),
    ...hang("  ", `read by ${readers.length > 0 ? readers.join(", ") : "templates only"}`, width),
    ...columns(rows, width),
    ...refused.flatMap((reason) => hang("  ", paint.red(`refused: ${reason}`), width)),
  ];
}

function headline({ name, feeds, in_force: inForce, values }: SettingStatus, paint: Paint): string {
  const title = paint.bold(feeds.length > 0 ? `${name} (${feeds.join(", ")})` : name);
  if (inForce !== null) return `${title} = ${paint.bold(inForce.value ?? UNKNOWN)}, from ${origin(inForce)}`;
  return `${title} ${values.length > 0 ? "is not in force yet" : "is not set in any source"}`;
}

/** What is not in force yet; for a secret only that it differs. */
function askedLines({ in_force: inForce, waiting, values: [asked] }: SettingStatus, sight: Sight) {
  const { paint, now, width } = sight;
  if (waiting === null) return [];
  const other = asked !== undefined && asked.value === inForce?.value ? " (a different one)" : "";
  const text = asked === undefined ? "no value" : `${paint.bold(asked.value)}${other}, from ${origin(asked)}`;
  return [
    ...hang("  ", `asked for: ${text}`, width),
    ...hang("  ", paint.yellow(`it ${waitingText(waiting, (iso) => timeOf(iso, now))}`), width),
  ];
}

/** What is in force is marked `*`, and what is asked for instead `>`: the first one on offer. */
function placeRow(place: Place, { waiting, in_force: inForce, values }: SettingStatus, paint: Paint) {
  const { level } = place;
  if ("nothing" in place) return [`    ${paint.dim(level)}`, paint.dim("-"), paint.dim(place.nothing)];
  const { value } = place;
  const text = level === value.where ? "" : `${value.where}${ofIndex(value)}`;
  const isAsked = value === values[0];
  if (isAsked && waiting !== null)
    return [`  ${paint.yellow(">")} ${level}`, paint.yellow(value.value), text];
  const isInForce = isAsked || (value.where === inForce?.where && value.value === inForce.value);
  return isInForce
    ? [`  ${paint.green("*")} ${paint.green(level)}`, paint.green(value.value), text]
    : [`    ${level}`, value.value, text];
}

type Origin = Pick<NonNullable<SettingStatus["in_force"]>, "level" | "where" | "index">;

const UNKNOWN = "(not known)";

function origin({ level, where, index }: Origin): string {
  if (level === null || where === null) return UNKNOWN;
  return level === where ? level : `${level}: ${where}${ofIndex({ index })}`;
}

function ofIndex({ index }: Pick<Origin, "index">): string {
  return index === null ? "" : ` (index ${index})`;
}
