import { chmod, readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { type LongCommand, runLongCommand, tailIn } from "../../src/apply/long-command.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const FOREVER = new AbortController().signal;

function command(folder: string, script: string, more: Partial<LongCommand> = {}): LongCommand {
  return {
    argv: ["sh", "-c", script],
    timeoutMs: 60_000,
    folder,
    environment: { DB_NAME: "mastodon" },
    user: undefined,
    output: `${folder}/output.log`,
    ...more,
  };
}

test("reports the output as it comes, and keeps all of it in a file that only its owner can read", async () => {
  await using folder = await temporaryFolder();
  const seen: string[] = [];
  const given = command(
    folder.path,
    'echo "$DB_NAME in $PWD"; until [ -e seen ]; do sleep 0.05; done; echo over >&2; exit 3',
  );
  const running = runLongCommand(given, (tail) => seen.push(tail), FOREVER);
  await until("the first line", () => seen.length === 1);
  expect(seen).toEqual([`mastodon in ${folder.path}`]);
  await runLongCommand(
    command(folder.path, "touch seen", { output: folder.file("other.log") }),
    () => {},
    FOREVER,
  );
  expect(await running).toEqual({
    ok: false,
    ended: "exit code 3",
    exitCode: 3,
    tail: `mastodon in ${folder.path} | over`,
  });
  expect((await stat(given.output)).mode & 0o777).toBe(0o600);
  expect(await tailIn(given.output)).toBe(`mastodon in ${folder.path} | over`);
});

test("a command that takes too long is stopped, and a missing one is reported as missing", async () => {
  await using folder = await temporaryFolder();
  const slow = command(folder.path, "echo on; sleep 60", { timeoutMs: 300 });
  expect(await runLongCommand(slow, () => {}, FOREVER)).toMatchObject({
    ok: false,
    ended: expect.stringContaining("so it was stopped"),
    tail: "on",
  });
  const none = command(folder.path, "", { argv: ["bin/rails"] });
  expect(await runLongCommand(none, () => {}, FOREVER)).toMatchObject({
    ok: false,
    ended: expect.stringContaining("ENOENT"),
  });
});

test("when the agent ends the command goes on without it", async () => {
  await using folder = await temporaryFolder();
  const end = new AbortController();
  const script = "echo $$; until [ -e go ]; do sleep 0.05; done; echo done > result";
  const running = runLongCommand(command(folder.path, script), () => end.abort(), end.signal);
  expect(await running).toBeUndefined();
  await runLongCommand(
    command(folder.path, "touch go", { output: folder.file("other.log") }),
    () => {},
    FOREVER,
  );
  await until("its end", async () => (await readFile(folder.file("result"), "utf8")) === "done\n");
});

test("runs as the named user, with that user's home, and refuses one it may not become", async () => {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o777);
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? "nobody" : userInfo().username;
  const whoami = command(folder.path, 'echo "$(id -un) $HOME"', { user });
  expect((await runLongCommand(whoami, () => {}, FOREVER))?.tail).toMatch(new RegExp(`^${user} /`));
  const stranger = command(folder.path, "true", { user: isRoot ? "nobody-of-that-name" : "root" });
  expect((await runLongCommand(stranger, () => {}, FOREVER))?.ended).toMatch(
    /^database.user: (there is no user|user id \d+ may not run anything as root)/,
  );
});
