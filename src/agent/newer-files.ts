import { type DesiredFile, type Placed, unsettled } from "../apply/plan.ts";
import { digest } from "../base/digest.ts";
import type { Memory } from "./memory.ts";

/** What is remembered of files: by path a digest of what is in them. */
export function filesIn(files: readonly DesiredFile[]): Memory["files"] {
  return Object.fromEntries(files.map(({ spec, content }) => [spec.path, digest(content)]));
}

/**
 * Files that are not as they are remembered: an agent that could not write its state has changed them since, or a hand
 * did. What the state says of the units that read them is not true any more.
 */
export function newerFiles({ files }: Placed, memory: Memory): Placed["files"] {
  return files.filter(({ spec, place: { there } }) => {
    const known = memory.files[spec.path];
    return known !== undefined && there !== undefined && digest(there.content) !== known;
  });
}

/** Whoever reads such a file may have read it as it is now. */
export function doubting(memory: Memory, newer: readonly DesiredFile[]): Memory {
  const readers = new Set(newer.flatMap(({ readBy = [] }) => readBy));
  const units = Object.entries(memory.units).map(([unit, had]) => [
    unit,
    readers.has(unit) ? unsettled({ kind: "reload", had }) : had,
  ]);
  return { ...memory, units: Object.fromEntries(units) };
}
