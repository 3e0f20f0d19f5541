/**
 * The lines of a `.env.production` that somebody else has written before the agent's first apply. What Mastodon was told
 * there and no source says is carried over, line by line, until a source says something about it. Pure.
 */
import type { Complaint } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import { quote } from "../render/dotenv.ts";
import type { Merged } from "./merge.ts";
import { isSettingName, type SettingName, settingSpec } from "./schema.ts";
import { isSecretNamed, namedValues, typeNamed } from "./slot.ts";
import type { Origin } from "./variable.ts";
import { VARIABLES } from "./variables.ts";
import type { Layer, Wish } from "./wish.ts";

/** Values by the name of their setting or variable. */
export type Lines = Readonly<Record<string, string>>;

export const NO_LINES: Lines = {};

/** Those of a file's variables that may be carried over if no source has them. */
export function linesToCarry(live: ReadonlyMap<string, string>): Lines {
  return Object.fromEntries(
    [...live].flatMap(([variable, value]) => {
      const name = carriedAs(variable, value);
      return name === undefined ? [] : [[name, value]];
    }),
  );
}

/** A variable that is not in the table stays, whatever it is: the file is the operator's own. */
function carriedAs(variable: string, value: string): string | undefined {
  const spec = VARIABLES.get(variable);
  if (spec === undefined) return variable;
  // Mastodon never reads it from the file, and the agent would put it where Mastodon does.
  if (spec.readers.length === 0) return undefined;
  return carriedByOrigin(variable, value, spec.origin);
}

function carriedByOrigin(variable: string, value: string, origin: Origin): string | undefined {
  switch (origin.kind) {
    case "operator":
    case "machine":
      return variable;
    case "setting":
      return value !== "" && isOptional(origin.setting) ? origin.setting : undefined;
    case "pinned":
    case "derived":
    case "barred":
      return undefined;
  }
}

/** A setting that is required, or that has a default, has a value without the file. */
function isOptional(name: SettingName): boolean {
  const { required, default: usual } = settingSpec(name);
  return required !== true && usual === undefined;
}

/** What is carried over, as what one more source asks for. What Mastodon accepted stays, even where no other source may say it. */
export function liveLayer(lines: Lines, file: string): Layer {
  const wishes = Object.entries(lines).map(([name, line]): [string, Wish] => {
    const value = typeNamed(name).accept(line) ?? line;
    return [
      name,
      { level: "live file", where: file, value: isSecretNamed(name) ? new Secret(value) : value },
    ];
  });
  return {
    settings: new Map(wishes.flatMap(([name, wish]) => (isSettingName(name) ? [[name, wish]] : []))),
    variables: new Map(wishes.filter(([name]) => !isSettingName(name))),
  };
}

/** What is still carried once this is in force: a name that a source has, or that follows from others, is its own from then on. */
export function stillCarried(lines: Lines, merged: Merged): Lines {
  const all = namedValues(merged);
  return Object.fromEntries(
    Object.entries(lines).filter(([name]) => {
      const [first, ...others] = all.get(name) ?? [];
      return isCarried(first) && others.every(({ value }) => reveal(value) !== reveal(first.value));
    }),
  );
}

/** What may be put into a unit's process environment: where a line of a file never was. */
export function exportable<Value>(
  variables: ReadonlyMap<string, Value>,
  merged: Merged,
): ReadonlyMap<string, Value> {
  return new Map([...variables].filter(([name]) => !isCarried(merged.variables.get(name)?.[0])));
}

function isCarried(wish: Wish | undefined): wish is Wish {
  return wish?.level === "live file";
}

/** The settings and variables that a line of that file decides. */
export function carriedNames(merged: Merged): readonly string[] {
  return carriedIn(merged).map(([name]) => name);
}

function carriedIn(merged: Merged): readonly [name: string, line: Wish][] {
  return [...namedValues(merged)].flatMap(([name, [first]]) => (isCarried(first) ? [[name, first]] : []));
}

/** The lines that `.env.production` cannot have: nothing is applied, because they would be lost. */
export function notCarried(merged: Merged): Complaint | undefined {
  const bad = carriedIn(merged).filter(([, { value }]) => quote(reveal(value)) === undefined);
  const [, first] = bad[0] ?? [];
  if (first === undefined) return undefined;
  return {
    where: first.where,
    what: `its value of ${bad.map(([name]) => name).join(", ")} cannot be carried over: it has several lines, comes from a command or from the environment, or mixes quotes, #, \\ and $`,
    cure: "Nothing is applied until then: write it in that file as one line that says the value itself, take it out, or set env.unknown_lines to drop.",
  };
}
