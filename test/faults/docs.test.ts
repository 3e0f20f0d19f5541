import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";

test("docs/guarantees.md names a test for every fault, and each is there", async () => {
  const page = await readFile(join(checkout(), "docs", "guarantees.md"), "utf8");
  const rows = page.split("\n").filter((line) => /^\| (?!fault|---)/.test(line));
  expect(rows.length).toBeGreaterThan(25);
  for (const row of rows) {
    const [, file = "", title = ""] = /\| `(test\/\S+\.test\.ts)`: (.+) \|$/.exec(row) ?? [];
    expect(title, row).not.toBe("");
    expect(await readFile(join(checkout(), file), "utf8"), file).toContain(title);
  }
});
