import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROBLEM_CODES } from "../../src/report/problem-codes.ts";
import { checkout } from "../world/programs.ts";

const sections = (await readFile(join(checkout(), "docs", "problems.md"), "utf8"))
  .split(/^### /m)
  .slice(1)
  .map((text) => ({ code: /^`(\w+)`$/m.exec(text)?.[1] ?? text, text }));

test("docs/problems.md has a section for every code that is shown, and for nothing else", () => {
  expect(sections.map(({ code }) => code).toSorted()).toEqual([...PROBLEM_CODES, "hold"].toSorted());
});

test.each(sections)("docs/problems.md names a test that meets $code", async ({ code, text }) => {
  const [, file = "", title = ""] = /^Shown by `(test\/\S+\.test\.ts)`: (.+)$/m.exec(text) ?? [];
  const source = await readFile(join(checkout(), file), "utf8");
  const tests = source.split(/^(?=test\b)/m);
  expect(tests.filter((one) => one.includes(`"${title}"`)).join("\n")).toContain(`"${code}"`);
});
