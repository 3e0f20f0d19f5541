import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";

const changelog = await readFile(path.join(checkout(), "CHANGELOG.md"), "utf8");
const headings = [...changelog.matchAll(/^## (.*)$/gm)].map(([, heading = ""]) => heading);

test("the changelog has what is unreleased first, then each release with its date, the newest first", async () => {
  const [first, ...releases] = headings;
  expect(first).toBe("Unreleased");
  for (const release of releases) expect(release).toMatch(/^\d+\.\d+\.\d+(-[\w.-]+)? - \d{4}-\d{2}-\d{2}$/);
  const dates = releases.map((release) => release.split(" - ")[1] ?? "");
  expect(dates).toEqual(dates.toSorted().toReversed());
});

test("the newest release is the version of the package, once there is one", async () => {
  const { version } = JSON.parse(await readFile(path.join(checkout(), "package.json"), "utf8"));
  const { version: locked } = JSON.parse(await readFile(path.join(checkout(), "package-lock.json"), "utf8"));
  expect(locked).toBe(version);
  const [, newest] = headings;
  if (newest !== undefined) expect(newest).toMatch(`${version} - `);
});

test("every change is an item below its kind of change", () => {
  const kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
  const found = [...changelog.matchAll(/^### (.*)$/gm)].map(([, kind = ""]) => kind);
  expect(found.filter((kind) => !kinds.includes(kind))).toEqual([]);
  const [, ...sections] = changelog.split(/^##+ .*$/m);
  const lines = sections.flatMap((section) => section.split("\n"));
  expect(lines.filter((line) => line !== "" && !/^(- | {2}\S)/.test(line))).toEqual([]);
});
