import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";

test("CONTRIBUTING.md shows the house as it is", async () => {
  const [, house = ""] = /^const HOUSE = \[(.*?)\];/ms.exec(await read("test/layout.test.ts")) ?? [];
  const [, rest = ""] = (await read("CONTRIBUTING.md")).split("\n## The house\n");
  const section = rest.split("\n## ")[0] ?? "";
  const shown = [...section.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, place]) => place);
  expect(shown).toEqual([...house.matchAll(/"([a-z]+)"/g)].map(([, place]) => place));
});

test("CONTRIBUTING.md names no file that does not exist", async () => {
  const page = await read("CONTRIBUTING.md");
  const named = [...page.matchAll(/`((?:src|test|docs)\/[\w./-]+\.(?:ts|md))`/g)].map(
    ([, file = ""]) => file,
  );
  expect(named.length).toBeGreaterThan(15);
  for (const file of named) await expect(read(file), file).resolves.not.toBe("");
});

test("SECURITY.md names a test for each promise, and each exists", async () => {
  const page = await read("SECURITY.md");
  const rows = page.split("\n").filter((line) => /^\| (?!promise|---)/.test(line));
  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows) {
    const [, file = "", title = ""] = /\| `(test\/\S+\.test\.ts)`: (.+) \|$/.exec(row) ?? [];
    expect(title, row).not.toBe("");
    expect(await read(file), file).toContain(title);
  }
});

function read(file: string): Promise<string> {
  return readFile(path.join(checkout(), file), "utf8");
}
