/** The command tree as data, for the shell completions and the manual. */
import type { Argument, Command, Option } from "commander";
import { SETTING_NAMES } from "../../settings/schema.ts";
import { READERS } from "../../settings/variable.ts";
import { VARIABLES } from "../../settings/variables.ts";

/** What may follow a flag, or be an argument. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "files" }
  | { readonly kind: "folders" }
  /** Anything: a time, a number. */
  | { readonly kind: "free" };

export interface Flag {
  /** `--since` */
  readonly name: string;
  /** `-h` */
  readonly short: string | undefined;
  /** `time`; undefined if it takes no value. */
  readonly placeholder: string | undefined;
  readonly values: Values | undefined;
  readonly about: string;
}

/** One command, or the program itself. */
export interface Branch {
  /** `kv export`; empty for the program. */
  readonly path: string;
  readonly about: string;
  /** The commands below it. */
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly flags: readonly Flag[];
  readonly argument: Operand | undefined;
}

export interface Operand {
  readonly name: string;
  readonly about: string;
  readonly isRequired: boolean;
  readonly values: Values;
}

/** Every branch, the program first. */
export function branchesOf(command: Command, path = ""): readonly Branch[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  const branch: Branch = {
    path,
    about: command.description(),
    commands: below.map((child) => ({ name: child.name(), about: child.description() })),
    flags: help.visibleOptions(command).map(flagOf),
    argument: argument && {
      name: argument.name(),
      about: argument.description,
      isRequired: argument.required,
      values: valuesOf(argument.name(), argument),
    },
  };
  return [branch, ...below.flatMap((child) => branchesOf(child, `${path} ${child.name()}`.trimStart()))];
}

function flagOf(option: Option): Flag {
  const placeholder = /[<[](.+)[>\]]/.exec(option.flags)?.[1];
  return {
    name: option.long ?? option.flags,
    short: option.short,
    placeholder,
    values: placeholder === undefined ? undefined : valuesOf(placeholder, option),
    about: option.description,
  };
}

/** From the placeholder in the flag's own description, unless that has the choices. */
function valuesOf(placeholder: string, { argChoices }: Argument | Option): Values {
  if (argChoices !== undefined) return { kind: "words", words: argChoices };
  return VALUES.get(placeholder) ?? { kind: "free" };
}

const VALUES: ReadonlyMap<string, Values> = new Map<string, Values>([
  ["file", { kind: "files" }],
  ["dir", { kind: "folders" }],
  ["unit", { kind: "words", words: [...READERS, "nginx", "syslog-ng"] }],
  ["name", { kind: "words", words: [...SETTING_NAMES, ...explainable()] }],
]);

function explainable(): readonly string[] {
  return [...VARIABLES]
    .filter(([, { origin }]) => origin.kind !== "barred" && origin.kind !== "pinned")
    .map(([name]) => name);
}
