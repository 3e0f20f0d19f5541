/**
 * Key files with values that the agent would not create, but that Mastodon has been running with: 64 hexadecimal
 * characters, say, or a pass phrase. Any text could be such a value, even half a file, so adopting it leaves a mark in
 * the file; a file of another form without the mark is malformed. What follows is dotenv, which carries every value
 * that `.env.production` can.
 */
import { escapeFor } from "../render/escape.ts";
import { parseAsRuby } from "../render/ruby-dotenv.ts";
import type { KeyTexts } from "./format.ts";
import type { KeyVariable } from "./names.ts";

const MARK = "# Adopted by mastodon-agent: ";
const REASON = "of an unusual form, but what Mastodon has been running with.";

/** Whether an operator vouches for the values in this file. */
export function isAdopted(text: string): boolean {
  return text.startsWith(MARK);
}

export function pickAdopted(variables: readonly KeyVariable[], text: string): KeyTexts {
  const assigned = parseAsRuby(text);
  return new Map(
    variables.flatMap((variable) => {
      const value = assigned.get(variable);
      return value === undefined ? [] : [[variable, value] as const];
    }),
  );
}

/** The values must be such that `uncarried` finds none. */
export function printAdopted(variables: readonly KeyVariable[], values: KeyTexts): string {
  const lines = variables.map((variable) => `${variable}=${written(values.get(variable) ?? "")}\n`);
  return [`${MARK}${REASON}\n`, ...lines].join("");
}

/** The first variable whose value cannot be written into `.env.production`. */
export function uncarried(variables: readonly KeyVariable[], values: KeyTexts): KeyVariable | undefined {
  return variables.find((variable) => written(values.get(variable) ?? "") === undefined);
}

function written(value: string): string | undefined {
  return escapeFor("dotenv", value);
}
