import { type DesiredFile, type Placed, unsettled } from "../apply/plan.ts";
import { digest } from "../base/digest.ts";
import type { Memory } from "./memory.ts";

/** What is remembered about files: a digest of their content, by path. */
export function filesIn(files: readonly DesiredFile[]): Memory["files"] {
  return Object.fromEntries(files.map(({ spec, content }) => [spec.path, digest(content)]));
}

/**
 * Files that differ from the record: changed since by an agent that could not write its state, or by hand. What the
 * state says about the units that read them is no longer true.
 */
export function newerFiles({ files }: Placed, memory: Memory): Placed["files"] {
  return files.filter(({ spec, place: { there } }) => {
    const known = memory.files[spec.path];
    return known !== undefined && there !== undefined && digest(there.content) !== known;
  });
}

/** Units that read such a file may have read it as it is now. */
export function doubting(memory: Memory, newer: readonly DesiredFile[]): Memory {
  const readers = new Set(newer.flatMap(({ readBy = [] }) => readBy));
  const units = Object.entries(memory.units).map(([unit, had]) => [
    unit,
    readers.has(unit) ? unsettled({ kind: "reload", had }) : had,
  ]);
  return { ...memory, units: Object.fromEntries(units) };
}
