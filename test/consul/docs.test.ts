import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROBLEM_CODES } from "../../src/report/problem-codes.ts";
import { checkout } from "../world/programs.ts";

test("docs/consul.md explains every problem that the agent has with Consul", async () => {
  const page = await readFile(join(checkout(), "docs", "consul.md"), "utf8");
  const codes = PROBLEM_CODES.filter((code) => /^(consul_|announce_|watch_failing$)/.test(code));
  expect(codes.length).toBeGreaterThan(8);
  expect(codes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
});
