import { denied } from "../base/access.ts";
import { codeOf, ExitCode, Misconfigured, messageOf } from "../base/errors.ts";
import { readConfig } from "../options/config-file.ts";
import { type JournalEntry, journalEntrySchema } from "../report/journal-entry.ts";
import { journalFilesIn, readJournal } from "../state/journal.ts";
import { filtered, type HistoryFilter } from "./history-filter.ts";
import { follow } from "./history-follow.ts";
import { entryLines } from "./history-view.ts";
import type { CommonFlags, Io } from "./io.ts";
import { paintFor } from "./screen/paint.ts";

export type HistoryFlags = CommonFlags &
  HistoryFilter & { readonly json?: boolean; readonly verbose?: boolean; readonly follow?: boolean };

/**
 * Reads the journal from the state directory, newest last. Neither the agent nor Consul is asked.
 *
 * @throws Misconfigured when the journal may not be read
 */
export async function history(flags: HistoryFlags, io: Io): Promise<ExitCode> {
  const { state } = readConfig(flags.config).paths;
  const all = await journalIn(state);
  const entries = filtered(all, flags);
  if (entries.length === 0) io.err(all.length === 0 ? `no changes recorded in ${state}` : NONE_OF_THESE);
  if (flags.follow) {
    print(entries, flags, io);
    const show = (more: readonly JournalEntry[]) =>
      print(filtered(more, { ...flags, limit: more.length }), flags, io);
    await follow({ directory: state, read: () => journalIn(state), before: all }, show, io);
  } else if (flags.json) io.out(JSON.stringify(entries, null, 2));
  else print(entries, flags, io);
  return ExitCode.ok;
}

/** With --follow there is one document per entry. */
function print(entries: readonly JournalEntry[], { json, verbose = false }: HistoryFlags, io: Io): void {
  const sight = { paint: paintFor(io), width: io.isTerminal ? io.size().columns : undefined, verbose };
  for (const entry of entries)
    for (const line of json ? [JSON.stringify(entry)] : entryLines(entry, sight)) io.out(line);
}

const NONE_OF_THESE = "there are changes, but none matches";

async function journalIn(directory: string): Promise<readonly JournalEntry[]> {
  try {
    return await readJournal(directory, journalEntrySchema);
  } catch (error) {
    const { current } = journalFilesIn(directory);
    const reason =
      codeOf(error) === "EACCES"
        ? denied(current)
        : { where: current, what: messageOf(error), cure: "Check what it is; it should be a file." };
    throw new Misconfigured(reason, { cause: error });
  }
}
