import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { manPage } from "../../scripts/man.mjs";
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

/** As on paper: bold is a letter, back, and the letter again. */
function onScreen(text: string): string {
  const pieces = text.split("\b");
  return [...pieces.slice(0, -1).map((piece) => piece.slice(0, -1)), pieces.at(-1)].join("");
}
