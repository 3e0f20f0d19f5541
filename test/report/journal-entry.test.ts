import { expect, test } from "vitest";
import { changeSchema } from "../../src/report/change.ts";
import { isChange, type JournalEntry, journalEntrySchema } from "../../src/report/journal-entry.ts";
import { Journal, readJournal } from "../../src/state/journal.ts";
import { temporaryFolder } from "../world/temporary.ts";

const AT = "2026-01-02T03:04:05.000Z";

const CHANGE: JournalEntry = {
  at: AT,
  cause: "first apply",
  outcome: "applied",
  problem: null,
  urgent: false,
  values: [],
  endpoints: [],
  units: [],
  actions: [],
  wrote: [],
  restored: [],
  duration_ms: 1,
  spans: [],
  desired: null,
};
const HOLD: JournalEntry = {
  at: AT,
  hold: "begun",
  reason: "why",
  keys: ["mastodon/control/hold"],
  since: AT,
};

test("a version that knows only changes passes over the holds in a journal", async () => {
  await using folder = await temporaryFolder("journal");
  const journal = new Journal<JournalEntry>(folder.path);
  for (const entry of [HOLD, CHANGE]) await journal.append(entry);
  expect(await readJournal(folder.path, changeSchema)).toEqual([CHANGE]);
  const all = await readJournal(folder.path, journalEntrySchema);
  expect(all).toEqual([HOLD, CHANGE]);
  expect(all.map(isChange)).toEqual([false, true]);
});
