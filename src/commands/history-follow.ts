/** `history --follow`: each entry as it is recorded, until interrupted. */
import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { JournalEntry } from "../report/journal-entry.ts";
import { journalFilesIn } from "../state/journal.ts";
import type { Io } from "./io.ts";

const EVERY_MS = 1000;

export interface Journalled {
  readonly directory: string;
  /** The whole journal, oldest first. */
  read(): Promise<readonly JournalEntry[]>;
  /** What was recorded before. */
  readonly before: readonly JournalEntry[];
}

/** Calls `show` with what is new. The journal is checked every second, and read when it has changed. */
export async function follow(
  { directory, read, before }: Journalled,
  show: (entries: readonly JournalEntry[]) => void,
  io: Io,
): Promise<void> {
  const end = new AbortController();
  io.onRequest((request) => request === "drain" && end.abort());
  let last = before.at(-1);
  let seen = "";
  while (!end.signal.aborted) {
    const now = await signatureOf(journalFilesIn(directory).current);
    if (now !== seen) {
      seen = now;
      const more = after(last, await read());
      show(more);
      // During a rotation there is a moment when the newest entries are in neither file.
      last = more.at(-1) ?? last;
    }
    await sleep(EVERY_MS, undefined, { signal: end.signal }).catch(() => {});
  }
}

/** If the last one is gone, it went with the older file: then the time counts. */
function after(last: JournalEntry | undefined, all: readonly JournalEntry[]): readonly JournalEntry[] {
  if (last === undefined) return all;
  const at = all.findLastIndex((entry) => isDeepStrictEqual(entry, last));
  return at === -1 ? all.filter((entry) => Date.parse(entry.at) > Date.parse(last.at)) : all.slice(at + 1);
}

/** Changes whenever the file is written to or replaced; empty while there is none. */
async function signatureOf(file: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(file).catch(() => ({ ino: 0, size: 0, mtimeMs: 0 }));
  return `${ino} ${size} ${mtimeMs}`;
}
