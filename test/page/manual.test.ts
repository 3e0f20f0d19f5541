import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { manualPage } from "../../src/report/page/manual.ts";
import { rendered } from "../../src/report/page/markdown.ts";
import { MANUAL } from "../../src/report/page/names.ts";
import { PROBLEM_CODES } from "../../src/report/problem-codes.ts";
import { checkout } from "../world/programs.ts";

test("every page of docs/ is in the manual that the agent serves", async () => {
  const names = await readdir(path.join(checkout(), "docs"));
  expect([...MANUAL]).toEqual(names.flatMap((name) => (name.endsWith(".md") ? [name.slice(0, -3)] : [])));
});

test("every code of a problem has a place in the manual, from the sources as from the bundle", async () => {
  const { code, body } = await manualPage("problems");
  expect(code).toBe(200);
  expect(PROBLEM_CODES.filter((name) => !body.includes(`<h3 id="${name}">`))).toEqual([]);
});

test.each([
  [
    "a code's heading is its anchor",
    "### `no_candidate`",
    '<h3 id="no_candidate"><code>no_candidate</code></h3>',
  ],
  [
    "a heading has GitHub's anchor",
    "## A new node, a jail",
    '<h2 id="a-new-node-a-jail">A new node, a jail</h2>',
  ],
  ["pages lead to each other", "[x](keys.md#a-b)", '<p><a href="/docs/keys#a-b" rel="noreferrer">x</a></p>'],
  ["what is not served is no link", "[x](../packaging/doas.conf)", "<p>x</p>"],
  ["no link is a program", "[x](javascript:alert(1))", "<p>x</p>"],
  ["HTML is text", "a <b onclick=x>", "<p>a &#60;b onclick=x&#62;</p>"],
  ["a picture is named", "![The page](page.png)", "<p><em>Picture: The page</em></p>"],
])("%s", (_title, markdown, expected) => {
  expect(rendered(markdown).trim()).toBe(expected);
});
