import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { PROBLEM_CODES } from "../../src/report/metrics-labels.ts";

test("the code of every problem is known to the metrics, so that its counter begins at zero", async () => {
  const names = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts"));
  const sources = names.filter((name) => !name.startsWith("probe") && !name.startsWith("report"));
  const texts = await Promise.all(sources.map((name) => readFile(path.join("src", name), "utf8")));
  const lines = texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => /\bcode\b|\w*[pP]roblem\(/.test(line));
  const codes = lines.flatMap((line) => line.match(/(?<=(?<![!=]== )")[a-z]+(?:_[a-z]+)+(?=")/g) ?? []);
  expect(codes.length).toBeGreaterThan(20);
  const known: readonly string[] = PROBLEM_CODES;
  expect(codes.filter((code) => !known.includes(code))).toEqual([]);
});
