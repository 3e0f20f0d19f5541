import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";

test("docs/consul.md explains every problem that the agent has with Consul", async () => {
  const page = await readFile(join(checkout(), "docs", "consul.md"), "utf8");
  const source = join(checkout(), "src");
  const names = (await readdir(source, { recursive: true })).filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(names.map((name) => readFile(join(source, name), "utf8")));
  const codes = texts.flatMap((text) => text.match(/(?<=")(?:consul_[a-z_]+|watch_failing)(?=")/g) ?? []);
  expect(codes.length).toBeGreaterThan(8);
  expect(codes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
});
