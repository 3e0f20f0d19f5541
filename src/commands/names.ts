import { Refused } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { isSettingName, SETTING_NAMES } from "../settings/schema.ts";
import { VARIABLE_NAMES, VARIABLES } from "../settings/variables.ts";

/**
 * The names under which sources know what an operator gives as a variable's name; for one fed by settings, those.
 *
 * @param known names that have a value
 * @throws Refused for a name that is neither a setting nor a variable, or that no source may have
 */
export function namesBehind(name: string, known: readonly string[]): readonly string[] {
  if (isSettingName(name) || known.includes(name)) return [name];
  const origin = VARIABLES.get(name)?.origin;
  switch (origin?.kind) {
    case "setting":
      return [origin.setting];
    case "derived":
      return origin.from;
    case "machine":
    case "operator":
      return [name];
    case "pinned":
      throw refused(name, "a pinned key, which comes only from its file", "See mastodon-agent keys show.");
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
