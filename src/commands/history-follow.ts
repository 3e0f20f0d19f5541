/** `history --follow`: each change as it is written down, until it is interrupted. */
import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Change } from "../report/change.ts";
import { journalFilesIn } from "../state/journal.ts";
import type { Io } from "./io.ts";

const EVERY_MS = 1000;

export interface Journalled {
  readonly directory: string;
  /** The whole journal, oldest first. */
  read(): Promise<readonly Change[]>;
  /** What was on record before. */
  readonly before: readonly Change[];
}

/** Calls `show` with what is new. The journal is looked at every second, and read when it has changed. */
export async function follow(
  { directory, read, before }: Journalled,
  show: (changes: readonly Change[]) => void,
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
      // Between the two files of a turn there is a moment in which the newest entries are in neither.
      last = more.at(-1) ?? last;
    }
    await sleep(EVERY_MS, undefined, { signal: end.signal }).catch(() => {});
  }
}

/** A last one that is not there any more went with the older file: then it is the time that counts. */
function after(last: Change | undefined, all: readonly Change[]): readonly Change[] {
  if (last === undefined) return all;
  const at = all.findLastIndex((change) => isDeepStrictEqual(change, last));
  return at === -1 ? all.filter((change) => Date.parse(change.at) > Date.parse(last.at)) : all.slice(at + 1);
}

/** Another one whenever the file was written to or replaced; empty while there is none. */
async function signatureOf(file: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(file).catch(() => ({ ino: 0, size: 0, mtimeMs: 0 }));
  return `${ino} ${size} ${mtimeMs}`;
}
