import { visible } from "./layout.ts";

/** As many lines as fit. What falls off the screen leaves a mark, so that nobody takes a part for the whole. */
export function fitted(
  lines: readonly string[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
  mark: (more: number) => string,
): readonly string[] {
  if (heightOf(lines, columns) <= rows) return lines;
  const kept = [...lines];
  while (kept.length > 0 && heightOf(kept, columns) > rows - 1) kept.pop();
  return [...kept, mark(lines.length - kept.length)];
}

/** In terminal rows; a terminal breaks a word that is longer than its width. */
export function heightOf(lines: readonly string[], columns: number): number {
  return lines
    .map((line) => Math.max(1, Math.ceil(visible(line) / columns)))
    .reduce((sum, each) => sum + each, 0);
}
