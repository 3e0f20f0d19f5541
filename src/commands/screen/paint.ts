/** Colours for a person at a terminal; plain text for everyone else. */
import pc from "picocolors";
import { printable } from "../../base/visible.ts";
import type { Io } from "../io.ts";

export type Paint = ReturnType<typeof pc.createColors>;

/** What our own colours are made of, as one group: bold, dim and the eight colours. None hides a text. */
const COLOURS = new RegExp(`(${String.fromCharCode(0x1b)}\\[(?:1|2|22|3\\d)m)`);

/** A text that may have somebody else's words in it, for a terminal or for what a terminal will show: nothing in it is obeyed. */
export function printed(text: string, isTerminal: boolean): string {
  return printable(text, isTerminal ? COLOURS : undefined);
}

/** Honours `NO_COLOR` (no-color.org: any value but an empty one) and terminals that know no colours. */
export function paintFor({ isTerminal, environment }: Pick<Io, "isTerminal" | "environment">): Paint {
  return pc.createColors(isTerminal && !environment["NO_COLOR"] && environment["TERM"] !== "dumb");
}
