import type { KeyVariable } from "./names.ts";

/** Values by variable, as in the file; not yet judged. */
export type KeyTexts = ReadonlyMap<KeyVariable, string>;

/** How the values of one key file are written, judged and created. */
export interface KeyFormat {
  readonly variables: readonly KeyVariable[];
  /** Picks the values out of a file's text. A value that is missing, or given twice with different texts, is left out. */
  pick(text: string): KeyTexts;
  /** Why Mastodon cannot work with a complete set of values, without quoting them; undefined if it can. */
  defect(values: KeyTexts): string | undefined;
  /** How it differs from a newly created key, if Mastodon would accept it anyway. */
  oddity(values: KeyTexts): string | undefined;
  print(values: KeyTexts): string;
  generate(): KeyTexts;
  /** The form in which two spellings of the same value are equal. */
  canonical(variable: KeyVariable, value: string): string;
}

/** Reads `NAME=value` lines, bare or quoted; everything else in the text (prose, comments) is ignored. */
export function pickAssignments(variables: readonly KeyVariable[], text: string): KeyTexts {
  const picked = new Map<KeyVariable, string>();
  for (const variable of variables) {
    const line = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${variable}=(["']?)(.*?)\\1[ \\t]*$`, "gm");
    const [value, ...others] = new Set([...text.matchAll(line)].map(([, , found]) => found));
    if (value !== undefined && others.length === 0) picked.set(variable, value);
  }
  return picked;
}

/** Rails accepts every text as a secret except one of white space only. */
export function blankDefect(variables: readonly KeyVariable[], values: KeyTexts): string | undefined {
  const blank = variables.find((variable) => (values.get(variable) ?? "").trim() === "");
  return blank && `${blank} is blank`;
}

export function printAssignments(variables: readonly KeyVariable[], values: KeyTexts): string {
  return variables.map((variable) => `${variable}=${values.get(variable) ?? ""}\n`).join("");
}
