import * as z from "zod";

const row = z.object({
  name: z.string(),
  /** By column; a text is shown as it is. */
  figures: z.record(z.string(), z.union([z.number(), z.string()])),
});

/** What a scenario comes to: a table, each row one contender in one situation. */
export const sectionSchema = z.object({
  title: z.string(),
  /** One sentence on what was done. */
  method: z.string(),
  columns: z.array(z.string()),
  rows: z.array(row),
  /** Which column the plot shows. */
  plotted: z.string().exactOptional(),
});

export type Section = z.infer<typeof sectionSchema>;
export type Row = z.infer<typeof row>;

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
