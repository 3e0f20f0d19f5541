import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { manPage } from "../../scripts/man.mjs";
import { branchesOf } from "../../src/commands/completion/tree.ts";
import type { Io } from "../../src/commands/io.ts";
import { buildProgram } from "../../src/commands/program.ts";
import { AGENT } from "../world/agent.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("the manual page has every command and flag that --help has, and mandoc finds nothing wrong with it", async () => {
  await using folder = await temporaryFolder("man");
  const page = folder.file("mastodon-agent.1");
  await writeFile(page, manPage({ version: "1.2.3", date: new Date("2026-11-24T00:00:00Z") }));
  expect(await run("mandoc", ["-Tlint", "-Wwarning", page])).toBe("");
  const text = onScreen(await run("mandoc", ["-Tutf8", page]));
  expect(text).toContain("November 24, 2026");
  const help = await run(process.execPath, [AGENT, "--help"]);
  const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = ""]) => name);
  expect(commands).toEqual(expect.arrayContaining(["run", "status", "history", "kv", "demo"]));
  for (const command of commands.filter((name) => name !== "help")) {
    expect(text).toContain(`mastodon-agent ${command}`);
    const flags = (await run(process.execPath, [AGENT, command, "--help"])).match(/--[a-z-]+/g) ?? [];
    for (const flag of flags) expect(text).toContain(flag);
  }
});

test("docs/commands.md has every command, and every flag of those that have no page of their own", async () => {
  const docs = await readFile("docs/commands.md", "utf8");
  const branches = branchesOf(buildProgram(NOBODY, () => {}));
  for (const { path, flags } of branches.filter(({ path }) => /^(?!help)\w+$/.test(path))) {
    expect(docs).toContain(`\`${path}\``);
    for (const { name } of flags) expect(docs).toContain(name);
  }
});

/** As on paper: bold is a letter, back, and the letter again. */
function onScreen(text: string): string {
  const pieces = text.split("\b");
  return [...pieces.slice(0, -1).map((piece) => piece.slice(0, -1)), pieces.at(-1)].join("");
}

/** The tree is only read. */
const NOBODY: Io = {
  environment: {},
  version: "",
  templates: "",
  isTerminal: false,
  isErrorTerminal: false,
  isJournal: false,
  size: () => ({ columns: 80, rows: 24 }),
  draw: () => {},
  out: () => {},
  err: () => {},
  outliveOutput: () => {},
  onRequest: () => {},
};
