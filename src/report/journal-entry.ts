import * as z from "zod";
import { type Change, journalLine } from "./change.ts";
import { type HoldEvent, holdEventSchema } from "./hold.ts";

/** A line of the journal. An older version passes over those that it does not know. */
export const journalEntrySchema = z.union([journalLine, holdEventSchema]);

export type JournalEntry = Change | HoldEvent;

export function isChange(entry: JournalEntry): entry is Change {
  return "outcome" in entry;
}
