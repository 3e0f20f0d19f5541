import { readFileSync } from "node:fs";
import { type Complaint, Misconfigured, messageOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import { placeholderReason } from "../settings/placeholders.ts";
import { SETTING_NAMES, type SettingName, type SettingSpec, settingSpec } from "../settings/schema.ts";
import { strayIn } from "../settings/stray.ts";
import type { ValueType } from "../settings/types.ts";
import type { Layer, Wish } from "../settings/wish.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value as found: under which name, and in which file if it came through `_FILE`. */
interface Found {
  readonly text: string;
  readonly where: string;
}

/** Where variables given in a file are, by name: `path:line`. */
type Places = ReadonlyMap<string, string>;

/** What is known about the files that variables came from, besides those of the process. */
export interface Origins {
  readonly places: Places;
  readonly read: readonly string[];
  /** The places that were searched. */
  readonly searched: readonly string[];
}

const PROCESS_ALONE: Origins = { places: new Map(), read: [], searched: [] };

/**
 * The jail's initial settings. Any setting `X` may come as `X_FILE` instead: the path of a file that holds the value,
 * so that secrets do not show in the process environment.
 *
 * @throws Misconfigured naming every variable that is malformed, given twice, unreadable, or missing although joining
 * Consul requires it.
 */
export function readEnvironment(environment: Environment, origins: Origins = PROCESS_ALONE): Layer {
  const settings = new Map<SettingName, Wish>();
  const complaints: Complaint[] = [];
  const missing: SettingName[] = [];
  for (const name of SETTING_NAMES) {
    const spec = settingSpec(name);
    const result = readSetting(name, spec, environment, origins.places);
    if (result === undefined) missing.push(...(spec.join ? [name] : []));
    else if ("what" in result) complaints.push(result);
    else settings.set(name, result);
  }
  const [first, ...others] = [...missingOf(missing, origins), ...complaints];
  if (first !== undefined) throw new Misconfigured(first, { others });
  return { settings, variables: new Map() };
}

function readSetting(
  name: SettingName,
  spec: SettingSpec,
  environment: Environment,
  places: Places,
): Wish | Complaint | undefined {
  const found = Object.entries({ [name]: spec.type, ...spec.aliases }).flatMap(([spelling, type]) => {
    const one = find(spelling, environment, places);
    return one === undefined ? [] : ["what" in one ? one : canonical(one, type)];
  });
  const unusable = found.find((one) => "what" in one);
  if (unusable !== undefined) return unusable;
  const [one, other] = found.filter((each) => "text" in each);
  if (one === undefined) return undefined;
  if (other !== undefined && other.text !== one.text) return contradiction(one, other);
  return { level: "environment", where: one.where, value: spec.secret ? new Secret(one.text) : one.text };
}

/** Names of one setting may agree in two spellings. */
function canonical(found: Found, type: ValueType): Found | Complaint {
  const placeholder = placeholderReason(found.text);
  if (placeholder !== undefined) return { where: found.where, ...placeholder };
  const text = type.accept(found.text);
  return text === undefined ? malformed(found, type) : { ...found, text };
}

/** An empty variable counts as unset: that is what `pot set-env -E X=` leaves behind. */
function find(name: string, environment: Environment, places: Places): Found | Complaint | undefined {
  const placed = (given: string, variable: string) => {
    const place = places.get(variable);
    return place === undefined ? given : `${given} (${place})`;
  };
  const text = environment[name] || undefined;
  const path = environment[`${name}_FILE`] || undefined;
  if (text !== undefined && path !== undefined) {
    const where = `${placed(name, name)} and ${placed(`${name}_FILE`, `${name}_FILE`)}`;
    return { where, what: "both are set", cure: "Keep one of them." };
  }
  if (path === undefined) return text === undefined ? undefined : { text, where: placed(name, name) };
  const where = placed(`${name}_FILE=${path}`, `${name}_FILE`);
  try {
    return { text: readFileSync(path, "utf8").replace(/\r?\n$/, ""), where };
  } catch (error) {
    return {
      where,
      what: `the file cannot be read (${messageOf(error)})`,
      cure: "Create it, or let the agent's user read it.",
    };
  }
}

/** One complaint each; but if there is nothing at all, the file is missing, and five complaints would hide that. */
function missingOf(names: readonly SettingName[], origins: Origins): readonly Complaint[] {
  const where = whereToSet(origins);
  const isNothingThere = names.length === SETTING_NAMES.filter((name) => settingSpec(name).join).length;
  if (!isNothingThere) return names.map((name) => missing(name, where));
  return [
    {
      where: names.join(", "),
      what: "not set; the agent needs them to join Consul",
      cure: `Set them ${where}. ${GOSSIP_CURE}`,
    },
  ];
}

function missing(name: SettingName, where: string): Complaint {
  const { about, type } = settingSpec(name);
  const example = name === "GOSSIPKEY" ? `. ${GOSSIP_CURE}` : `, for example ${name}=${type.example}`;
  return {
    where: name,
    what: `not set (${about}); the agent needs it to join Consul`,
    cure: `Set ${name} ${where}${example}`,
  };
}

/** After "set it". */
function whereToSet({ read, searched }: Origins): string {
  if (read.length > 0) return `in ${read.join(" or ")}`;
  if (searched.length === 0) return "in the environment";
  return `in the environment, or in a file: there is none at ${searched.join(" or ")}, and another can be named by \`environment\` in the configuration or by --environment`;
}

const GOSSIP_CURE =
  "GOSSIPKEY (or GOSSIPKEY_FILE) is the key of your cluster; `consul keygen` makes one for a new cluster. There is no default: a key that everyone has protects nothing.";

function contradiction(one: Found, other: Found): Complaint {
  return {
    where: `${one.where} and ${other.where}`,
    what: "they are two names for one setting and differ",
    cure: "Keep one of them.",
  };
}

function malformed({ where, text }: Found, { expected, example }: ValueType): Complaint {
  const stray = strayIn(text);
  const hint = stray === undefined ? "" : ` (the value ${stray})`;
  return { where, what: `not acceptable: expected ${expected}${hint}`, cure: `Example: ${example}` };
}
