/** What a scenario comes to: a table, each row one contender in one situation. */
export interface Section {
  readonly title: string;
  /** One sentence on what was done. */
  readonly method: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** Which column the plot shows. */
  readonly plotted?: string;
}

export interface Row {
  readonly name: string;
  /** By column; a text is shown as it is. */
  readonly figures: Readonly<Record<string, number | string>>;
}

/** The section as lines, numbers to three digits that matter. */
export function table({ title, method, columns, rows }: Section): string {
  const width = Math.max(...rows.map(({ name }) => name.length), 20) + 2;
  return [
    title,
    method,
    "".padEnd(width) + columns.map((column) => column.padStart(cellWidth(column))).join(""),
    ...rows.map(
      ({ name, figures }) =>
        name.padEnd(width) +
        columns.map((column) => shown(figures[column]).padStart(cellWidth(column))).join(""),
    ),
  ].join("\n");
}

function cellWidth(column: string): number {
  return Math.max(column.length, 8) + 2;
}

export function shown(figure: number | string | undefined): string {
  if (typeof figure !== "number") return figure ?? "";
  if (figure === 0 || Math.abs(figure) >= 100) return String(Math.round(figure));
  return figure.toFixed(Math.abs(figure) >= 10 ? 1 : 2);
}
