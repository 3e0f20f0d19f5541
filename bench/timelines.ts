/** What one change of the primary looked like from outside. Times are milliseconds after it began. */
export interface Run {
  readonly events: ReadonlyMap<string, number>;
  readonly firstWriteMs: number;
  /** The longest time without a successful write through web, and without any answer of its /health. */
  readonly withoutWritesMs: number;
  readonly withoutAnswerMs: number;
  /** Connections that nobody accepted. */
  readonly refused: number;
}

/** One column a run, one line an event, in the order of the first run. */
export function timelines(title: string, runs: readonly Run[]): string {
  const events = [...(runs[0]?.events ?? [])].sort(([, one], [, other]) => one - other);
  return [
    row(
      title,
      runs.map((_, index) => `run ${index + 1}`),
    ),
    ...events.map(([event]) =>
      row(
        event,
        runs.map((run) => String(run.events.get(event))),
      ),
    ),
    row(
      "first successful write through web",
      runs.map(({ firstWriteMs }) => String(firstWriteMs)),
    ),
    row(
      "longest time without a successful write",
      runs.map(({ withoutWritesMs }) => String(withoutWritesMs)),
    ),
    row(
      "longest time without an answer of web",
      runs.map(({ withoutAnswerMs }) => String(withoutAnswerMs)),
    ),
    row(
      "connections that web refused",
      runs.map(({ refused }) => String(refused)),
    ),
  ].join("\n");
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(62) + cells.map((cell) => cell.padStart(9)).join("");
}
