import type { Measurements } from "./measure.ts";

/** The figures as lines, times in milliseconds. */
export function table({ startMs, floorMs, diskMs, residentMb }: Measurements): string {
  const above = diskMs.map((ms, round) => ms - (floorMs[round] ?? 0));
  return [
    row("", "p50", "p99"),
    row("start to first render, ms", ...quantiles(startMs)),
    row("put to answer of a bare blocking query, ms", ...quantiles(floorMs)),
    row("put to bytes on disk, ms", ...quantiles(diskMs)),
    row("the agent's part of it, ms", ...quantiles(above)),
    row("resident memory when converged, MB", residentMb.toFixed(1), ""),
  ].join("\n");
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(46) + cells.map((cell) => cell.padStart(10)).join("");
}

function quantiles(values: readonly number[]): [string, string] {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return [at(0.5).toFixed(1), at(0.99).toFixed(1)];
}
