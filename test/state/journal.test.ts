import { appendFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import * as z from "zod";
import { Journal, journalFilesIn, readJournal } from "../../src/state/journal.ts";
import { temporaryFolder } from "../world/temporary.ts";

const schema = z.object({ number: z.number() });

test("what was appended is read back in order, even by another reader", async () => {
  await using folder = await temporaryFolder("journal");
  const journal = new Journal<{ number: number }>(folder.path);
  await Promise.all([1, 2, 3].map((number) => journal.append({ number })));
  expect(await readJournal(folder.path, schema)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  expect((await stat(journalFilesIn(folder.path).current)).mode & 0o777).toBe(0o600);
});

test("the journal is empty before the first entry", async () => {
  await using folder = await temporaryFolder("journal");
  expect(await readJournal(folder.path, schema)).toEqual([]);
});

test("it never grows beyond twice its limit, and drops the oldest entries first", async () => {
  await using folder = await temporaryFolder("journal");
  const journal = new Journal<{ number: number }>(folder.path, { limitBytes: 100 });
  for (let number = 1; number <= 50; number++) await journal.append({ number });
  const { current, older } = journalFilesIn(folder.path);
  expect((await stat(current)).size + (await stat(older)).size).toBeLessThanOrEqual(200);
  const numbers = (await readJournal(folder.path, schema)).map(({ number }) => number);
  expect(numbers.at(-1)).toBe(50);
  expect(numbers).toEqual(Array.from(numbers, (_, at) => 51 - numbers.length + at));
});

test("a line cut off by a crash costs only that entry", async () => {
  await using folder = await temporaryFolder("journal");
  const { current } = journalFilesIn(folder.path);
  await writeFile(current, '{"number":1}\n{"num');
  await new Journal<{ number: number }>(folder.path).append({ number: 3 });
  expect(await readJournal(folder.path, schema)).toEqual([{ number: 1 }, { number: 3 }]);
  await appendFile(current, '{"another":"version"}\n');
  expect(await readJournal(folder.path, schema)).toEqual([{ number: 1 }, { number: 3 }]);
  expect(await readFile(current, "utf8")).toContain('{"num\n');
});

test("an entry that could not be written keeps its place, and is written later", async () => {
  await using folder = await temporaryFolder("journal");
  const directory = folder.file("state");
  const seen: (string | undefined)[] = [];
  const journal = new Journal<{ number: number }>(directory, {
    onTrouble: () => seen.push(journal.trouble?.complaint.where),
  });
  await expect(journal.append({ number: 1 })).rejects.toThrow(/the journal cannot be written \(ENOENT/);
  await expect(journal.append({ number: 2 })).rejects.toThrow(directory);
  expect(journal.unwritten).toEqual([{ number: 1 }, { number: 2 }]);
  await mkdir(directory);
  await journal.flush();
  await journal.append({ number: 3 });
  expect(await readJournal(directory, schema)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  expect(journal.unwritten).toEqual([]);
  expect(seen).toEqual([directory, undefined]);
});
