import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unitSchema } from "../../src/apply/config.ts";
import { runSteps, type StepsDone } from "../../src/apply/steps.ts";
import { TryAgain } from "../../src/base/errors.ts";
import { processOf } from "../../src/state/process.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { note, noted, startWeb, steps, writePidfile } from "./units.ts";

function perform(...reload: readonly unknown[]): Promise<StepsDone> {
  return runSteps("web", unitSchema.parse({ reload }).reload, steps);
}

test("runs steps in order", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  await perform(note(log, "one"), { wait: "10ms" }, note(log, "two"), { touch: folder.file("restart.txt") });
  expect(await noted(log)).toEqual(["one", "two"]);
  expect((await stat(folder.file("restart.txt"))).mtimeMs).toBeGreaterThan(0);
});

test("touches an existing file", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("restart.txt"), "kept");
  await utimes(folder.file("restart.txt"), 1, 1);
  await perform({ touch: folder.file("restart.txt") });
  expect(await stat(folder.file("restart.txt"))).toMatchObject({ size: 4 });
  expect((await stat(folder.file("restart.txt"))).mtimeMs).toBeGreaterThan(1000);
});

test("returns from TERM when that very process has ended", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("config"), "one");
  await using web = await startWeb(folder, folder.file("config"));
  const before = await web.pid();
  expect(await perform({ signal: "TERM", pidfile: web.pidfile })).toEqual({ ended: true });
  expect(await processOf(before)).toBeUndefined();
});

test("a handled signal does not count as an end", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("config"), "one");
  await using web = await startWeb(folder, folder.file("config"));
  expect(await perform({ signal: "USR2", pidfile: web.pidfile })).toEqual({ ended: false });
});

/** Ends by itself when it is told to become quiet, as sidekiq does while it still waits for Redis. */
const ENDS_WHEN_QUIETED = [
  "sh",
  "-c",
  'trap "exit 0" TSTP; echo ready; while :; do sleep 0.02; done',
] as const;

test("a process that has ended after an earlier signal has done what TERM asks for", async () => {
  await using folder = await temporaryFolder();
  const [file, ...args] = ENDS_WHEN_QUIETED;
  await using program = await start(file, args);
  await until("the trap", () => program.output().includes("ready"));
  const pidfile = await writePidfile(folder.file("pid"), program.pid);
  const gone = { run: ["sh", "-c", 'while kill -0 "$0" 2>/dev/null; do sleep 0.02; done', `${program.pid}`] };
  const [quiet, stop] = [
    { signal: "TSTP", pidfile },
    { signal: "TERM", pidfile, timeout: "10s" },
  ];
  expect(await perform(quiet, gone, stop)).toEqual({ ended: true });
});

test("TERM after an earlier signal is not for the process that has taken the place of the one that ended", async () => {
  await using folder = await temporaryFolder();
  const pidfile = folder.file("pid");
  const argv = [join(import.meta.dirname, "fixtures", "supervise.ts"), pidfile, ...ENDS_WHEN_QUIETED];
  await using supervisor = await start(process.execPath, argv);
  const times = (count: number) => supervisor.output().split("ready").length > count;
  await until("the trap", () => times(1));
  const pid = async () => (await readFile(pidfile, "utf8")).trim();
  const before = await pid();
  const another = {
    run: ["sh", "-c", 'until [ "$(cat "$0")" != "$1" ]; do sleep 0.02; done', pidfile, before],
  };
  expect(await perform({ signal: "TSTP", pidfile }, another, { signal: "TERM", pidfile })).toEqual({
    ended: true,
  });
  const after = await pid();
  expect(after).not.toBe(before);
  expect(await processOf(Number(after))).toBeDefined();
});

test("reports a process that does not end", async () => {
  await using folder = await temporaryFolder();
  await using deaf = await start("sh", ["-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], {
    stopSignal: "SIGKILL",
  });
  await until("the trap", () => deaf.output().includes("deaf"));
  const pidfile = await writePidfile(folder.file("pid"), deaf.pid);
  await expect(perform({ signal: "TERM", pidfile, timeout: "200ms" })).rejects.toThrow(
    /unit web: step 1 of 1 \(TERM to .*\) failed: process \d+ did not end within 0.2s/,
  );
});

test("never signals another program that was given a vanished unit's pid", async () => {
  await using folder = await temporaryFolder();
  await using stranger = await start("sleep", ["60"]);
  const pidfile = await writePidfile(folder.file("pid"), stranger.pid);
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(pidfile, anHourAgo, anHourAgo);
  await expect(perform({ signal: "KILL", pidfile })).rejects.toThrow(
    /began \d+s after that file was written, so it is a different program; nothing was signalled/,
  );
  expect(stranger.isRunning()).toBe(true);
});

test.each([
  ["does not exist", undefined, "there is no readable pidfile"],
  ["is empty", "", "names no process"],
  ["is no number", "web", "names no process"],
  ["names init", "1", "names no process"],
  ["names everybody", "-1", "names no process"],
  ["names a process that has ended", "4194305", "is gone"],
])("signals no process when the pidfile %s", async (_, content, message) => {
  await using folder = await temporaryFolder();
  if (content !== undefined) await writeFile(folder.file("pid"), content);
  const failure = perform({ signal: "TERM", pidfile: folder.file("pid") });
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.toThrow(TryAgain);
});

test("stops a hanging command, with everything it started", async () => {
  await using folder = await temporaryFolder();
  const script = 'sleep 60 & echo $! > "$0"; trap "" TERM; wait; wait; sleep 60';
  await expect(perform({ run: ["sh", "-c", script, folder.file("pid")], timeout: "300ms" })).rejects.toThrow(
    "still running after 0.3s, so it was stopped",
  );
  const [pid] = await noted(folder.file("pid"));
  await until("its child to be gone", async () => (await processOf(Number(pid))) === undefined);
});

test("does not wait for a daemon that a command leaves behind, and leaves it alone", async () => {
  await using folder = await temporaryFolder();
  const script = '(trap "" HUP; while :; do echo still here; sleep 0.05; done) & echo $! > "$0"';
  await perform({ run: ["sh", "-c", script, folder.file("pid")], timeout: "30s" });
  const pid = Number((await noted(folder.file("pid")))[0]);
  try {
    await until(
      "the daemon to be older than its first lines",
      async () => ((await processOf(pid))?.ageMs ?? 0) > 500,
    );
  } finally {
    process.kill(pid, "SIGKILL");
  }
});

test("reports a failed command with the end of its output, without secrets, and stops there", async () => {
  await using folder = await temporaryFolder();
  const script = "yes 'noise' | head -n 5000; echo; echo 'password hunter2 refused' >&2; exit 3";
  const failure = perform({ run: ["sh", "-c", script] }, { touch: folder.file("next") });
  await expect(failure).rejects.toThrow(
    /exit code 3, its output ends with: .*noise \| password \[redacted\] refused\. Run the command/,
  );
  const message = await failure.catch(String);
  expect(String(message).length).toBeLessThan(1500);
  expect(await readdir(folder.path)).toEqual([]);
});

test("reports a missing command", async () => {
  await expect(perform({ run: ["/usr/local/bin/absent"] })).rejects.toThrow("ENOENT");
});

test("passes arguments unchanged, and nothing from its own environment", async () => {
  await using folder = await temporaryFolder();
  process.env["DBPASS"] = "hunter2";
  try {
    await perform(
      { run: ["touch", folder.file("$(id); `id` $HOME")] },
      { run: ["sh", "-c", 'env > "$0"', folder.file("env")] },
    );
  } finally {
    delete process.env["DBPASS"];
  }
  expect(await readdir(folder.path)).toEqual(["$(id); `id` $HOME", "env"]);
  expect((await noted(folder.file("env"))).map((line) => line.split("=")[0]).sort()).toEqual(
    expect.arrayContaining(["HOME", "LANG", "PATH"]),
  );
  expect((await noted(folder.file("env"))).join("\n")).not.toMatch(/DBPASS|hunter2|NODE/);
});
