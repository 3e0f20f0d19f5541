import { explanations, unset } from "../agent/explanation.ts";
import { ExitCode, Refused } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import type { SettingStatus } from "../report/status.ts";
import { isSettingName, SETTING_NAMES } from "../settings/schema.ts";
import { VARIABLE_NAMES, VARIABLES } from "../settings/variables.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { look } from "./look.ts";

/** Says where values come from. @throws Refused for a name that is neither a setting nor a variable */
export async function explain(
  name: string | undefined,
  { json, ...flags }: CommonFlags & { json?: boolean },
  io: Io,
): Promise<ExitCode> {
  const asked = name === undefined ? undefined : namesBehind(name);
  const { evaluation, memory, consulError } = await look(optionsFrom(flags, io));
  if (consulError !== undefined)
    io.err(`Consul was not asked (${consulError}): the last known good settings stand in.`);
  const all = explanations(evaluation.merged, memory);
  const wanted = asked?.map((known) => all.find((each) => each.name === known) ?? unset(known)) ?? all;
  if (json) io.out(JSON.stringify(wanted, null, 2));
  else for (const each of wanted) for (const line of lines(each, asked === undefined)) io.out(line);
  return ExitCode.ok;
}

/** A variable that settings feed is explained by them. */
function namesBehind(name: string): readonly string[] {
  if (isSettingName(name)) return [name];
  const origin = VARIABLES.get(name)?.origin;
  switch (origin?.kind) {
    case "setting":
      return [origin.setting];
    case "derived":
      return origin.from;
    case "operator":
      return [name];
    case "pinned":
      throw refused(name, "a pinned key, which no source but its file has", "See mastodon-agent keys show.");
    case "barred":
      throw refused(name, `never rendered: ${origin.reason}`, "See docs/settings.md.");
    default:
      throw refused(
        name,
        "neither a setting nor a variable",
        didYouMean(name, [...SETTING_NAMES, ...VARIABLE_NAMES]),
      );
  }
}

function refused(where: string, what: string, cure: string): Refused {
  return new Refused({ where, what, cure });
}

function lines({ name, feeds, readers, since, values }: SettingStatus, isBrief: boolean): readonly string[] {
  const [inForce, ...others] = values;
  const title = feeds.length > 0 ? `${name} (${feeds.join(", ")})` : name;
  if (inForce === undefined) return [`${title} is not set by any source`];
  const first = `${title} = ${inForce.value}, from ${origin(inForce)}`;
  if (isBrief) return [first];
  return [
    first,
    ...(since === null ? [] : [`  in force since ${since}`]),
    `  read by ${readers.length > 0 ? readers.join(", ") : "templates only"}`,
    ...others.map((value) => `  behind it: ${value.value}, from ${origin(value)}`),
  ];
}

function origin({ level, where, index }: SettingStatus["values"][number]): string {
  return level === where ? level : `${level}: ${where}${index === null ? "" : ` (index ${index})`}`;
}
