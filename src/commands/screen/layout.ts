/** Text in columns. Lines are folded to the terminal's width, and left whole in a pipe. */
import { stripVTControlCharacters } from "node:util";

const GAP = 2;
/** However narrow the terminal, a text gets this much. */
const NARROWEST = 24;

/** Names on the left, texts on the right. A text without a name continues the one before. */
export function labelled(
  rows: readonly (readonly [name: string, text: string])[],
  width = Number.POSITIVE_INFINITY,
): readonly string[] {
  const indent = Math.max(0, ...rows.map(([name]) => visible(name))) + GAP;
  return rows.flatMap(([name, text]) => hang(pad(name, indent), text, width));
}

/** Cells in columns as wide as needed; the last one is folded. */
export function columns(
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): readonly string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count - 1 }, (_, at) =>
    Math.max(...rows.map((row) => visible(row[at] ?? ""))),
  );
  return rows.flatMap((row) => {
    const first = widths.map((wide, at) => pad(row[at] ?? "", wide + GAP)).join("");
    return hang(first, row[count - 1] ?? "", width);
  });
}

/** A text after its lead; following lines are aligned with the text. */
export function hang(beginning: string, text: string, width = Number.POSITIVE_INFINITY): readonly string[] {
  const indent = visible(beginning);
  const [first = "", ...others] = fold(text, Math.max(NARROWEST, width - indent));
  return [`${beginning}${first}`.trimEnd(), ...others.map((line) => `${" ".repeat(indent)}${line}`)];
}

function fold(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && visible(line) + 1 + visible(word) <= width)
      lines.splice(-1, 1, `${line} ${word}`);
    else lines.push(word);
  }
  return lines;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - visible(text)));
}

/** A table cell on a terminal; in a pipe it is complete. */
export function shortened(text: string, widest: number, width: number | undefined): string {
  return width !== undefined && text.length > widest ? `${text.slice(0, widest - 1)}…` : text;
}

/** How many columns it takes, without its colours. */
export function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}
