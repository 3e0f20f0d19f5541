import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AGENT } from "../world/agent.ts";
import { run } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder("completion");
  for (const shell of ["bash", "zsh", "fish"])
    await writeFile(folder.file(shell), await run(process.execPath, [AGENT, "completion", shell]));
});
afterAll(() => folder[Symbol.asyncDispose]());

const CASES: readonly (readonly [typed: string, contains: readonly string[], not: readonly string[]])[] = [
  ["", ["run", "status", "history", "kv", "completion"], ["export", "--json"]],
  ["hi", ["history"], ["run"]],
  ["kv ", ["export", "diff"], ["run"]],
  ["kv export --se", ["--secrets"], ["--since"]],
  ["history --outcome ", ["applied", "refused", "failed", "put_back"], ["--json"]],
  ["history --unit w", ["web"], ["sidekiq"]],
  ["run --log-level de", ["debug"], ["info"]],
  ["explain DB_H", ["DB_HOST"], ["DBHOST"]],
  ["completion ", ["bash", "zsh", "fish"], []],
  ["check --", ["--probe", "--json", "--config"], ["--diff"]],
];

describe.each(CASES)("mastodon-agent %s", (typed, contains, not) => {
  test("is completed by bash", async () => expectCompleted(await bash(typed)));
  test("is completed by fish", async () => expectCompleted(await fish(typed)));

  function expectCompleted(words: readonly string[]): void {
    expect(words).toEqual(expect.arrayContaining([...contains]));
    for (const word of not) expect(words).not.toContain(word);
  }
});

test.each([
  ["mastodon-agent hist", "history"],
  ["mastodon-agent history --outcome re", "refused"],
  ["mastodon-agent kv exp", "export"],
  ["mastodon-agent explain SMTP_SERV", "SMTP_SERVER"],
])("%s is completed by zsh", async (typed, whole) => {
  const driver = path.join(import.meta.dirname, "fixtures", "complete.zsh");
  expect(await run("zsh", ["-f", driver, folder.file("zsh"), typed, whole])).toContain(whole);
});

test("the value of --config is a file", async () => {
  await writeFile(folder.file("agent.yaml"), "");
  const begun = folder.file("agent.y");
  expect(await bash(`status --config ${begun}`)).toEqual([folder.file("agent.yaml")]);
  expect(await fish(`status --config ${begun}`)).toEqual([folder.file("agent.yaml")]);
  expect(await bash("history --since ")).toEqual([]);
});

test("an unknown shell is a usage error that names the known ones", async () => {
  await expect(run(process.execPath, [AGENT, "completion", "tcsh"])).rejects.toThrow(
    /ended with 64:[\s\S]*bash, zsh, fish/,
  );
});

/** The function is called as bash calls it at TAB. */
async function bash(typed: string): Promise<readonly string[]> {
  const words = ["mastodon-agent", ...typed.split(" ")];
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mastodon_agent; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines(await run("bash", ["--norc", "-c", script, folder.file("bash"), ...words]));
}

/** fish tells what it would offer, with descriptions after a tab. */
async function fish(typed: string): Promise<readonly string[]> {
  const script = "source $argv[1]; complete -C $argv[2]";
  const argv = ["--no-config", "--command", script, folder.file("fish"), `mastodon-agent ${typed}`];
  return lines(await run("fish", argv, { env: { HOME: folder.path } })).map((line) =>
    line.replace(/\t.*/, ""),
  );
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}
