import { chmod, cp, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Running, run, start } from "./world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "./world/temporary.ts";
import { until } from "./world/until.ts";

const DEADLINE_MS = 120_000;
const DEMO = [join(import.meta.dirname, "..", "dist", "cli.js"), "demo"];

test("tells the whole story, verifies it and leaves nothing", { timeout: DEADLINE_MS }, async () => {
  await using folder = await openFolder();
  const demo = await startDemo(folder, "--once");
  const { code } = await demo.exited;
  expect(demo.output()).toMatch(/has joined .* with the gossip key/);
  expect(demo.output()).toMatch(/- SMTP_SERVER=smtp\.example\.org\n.*\+ SMTP_SERVER=smtp2\.example\.org/);
  expect(demo.output()).toMatch(/reloaded: sidekiq, web; untouched: streaming; healthy after \d+ ms/);
  expect(demo.output()).toMatch(/reloaded: streaming; untouched: sidekiq, web/);
  expect(demo.output()).toMatch(/web answers from redis-2/);
  expect(demo.output()).toMatch(/mastodon\/settings\/MAILHOST: .*not acceptable/);
  expect(demo.output()).toMatch(/jail1 is converged/);
  expect(demo.output()).toMatch(/Everything shown was verified/);
  expect(demo.output(), "no colours where nobody looks").not.toContain("\x1b");
  expect(code).toBe(0);
  await expectNothingLeft(folder);
});

test("lets you play and says what changes, until Ctrl-C", { timeout: DEADLINE_MS }, async () => {
  await using folder = await openFolder();
  await using demo = await startDemo(folder);
  await until("the world to be handed over", () => /What changes/.test(demo.output()), DEADLINE_MS);
  const shellFile = /^ +\. (\S+)/m.exec(demo.output())?.[1] ?? "";
  const shell = (command: string) => run("sh", ["-c", `. '${shellFile}' && ${command}`]);

  await shell("consul kv put mastodon/settings/MAILPASS another-secret");
  await until("the change to be told", () => /SMTP_PASSWORD=\[redacted\]/.test(demo.output()), DEADLINE_MS);
  expect(demo.output()).not.toContain("another-secret");
  await shell("consul kv put mastodon/settings/DBPORT many");
  await until(
    "the refusal to be told",
    () => /problem: mastodon\/settings\/DBPORT/.test(demo.output()),
    DEADLINE_MS,
  );
  expect(await shell("mastodon-agent explain MAILPASS")).toContain("from shared: mastodon/settings/MAILPASS");

  expect((await processesIn(folder)).length).toBeGreaterThan(5);
  demo.signal("SIGINT");
  expect((await demo.exited).code).toBe(0);
  await expectNothingLeft(folder);
});

test("a Ctrl-C halfway leaves nothing behind, and is not a success", { timeout: DEADLINE_MS }, async () => {
  await using folder = await openFolder();
  await using demo = await startDemo(folder, "--once");
  await until("the second part", () => /consul kv put/.test(demo.output()), DEADLINE_MS);
  demo.signal("SIGINT");
  expect((await demo.exited).code).toBe(75);
  await expectNothingLeft(folder);
});

test("a second Ctrl-C ends it at once, and leaves nothing behind either", {
  timeout: DEADLINE_MS,
}, async () => {
  await using folder = await openFolder();
  await using demo = await startDemo(folder);
  await until("the agent to join", () => /has joined/.test(demo.output()), DEADLINE_MS);
  demo.signal("SIGINT");
  demo.signal("SIGTERM");
  expect((await demo.exited).code).toBe(75);
  await expectNothingLeft(folder);
});

test("says where it can run when it is started from the installed package", async () => {
  await using folder = await temporaryFolder();
  await cp("dist", folder.file("dist"), { recursive: true });
  await cp("package.json", folder.file("package.json"));
  await expect(run(process.execPath, [folder.file("dist", "cli.js"), "demo"])).rejects.toThrow(
    /ended with 69:\nmastodon-agent: .*not in the installed package.*npm start/,
  );
});

/** Everything that the demo makes has to be in here: Postgres, too, whose user has to come through. */
async function openFolder(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder("demo-test");
  await chmod(folder.path, 0o711);
  return folder;
}

function startDemo(folder: TemporaryFolder, ...flags: readonly string[]): Promise<Running> {
  return start(process.execPath, [...DEMO, ...flags], { env: { TMPDIR: folder.path } });
}

async function expectNothingLeft(folder: TemporaryFolder): Promise<void> {
  await until("every process to be gone", async () => (await processesIn(folder)).length === 0);
  expect(await readdir(folder.path)).toEqual([]);
}

/** Command lines of the processes that work in the folder, name it in an argument, or have it in their environment. */
async function processesIn({ path }: TemporaryFolder): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const text = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "");
      const [argv, environ, cwd] = await Promise.all([
        text("cmdline"),
        text("environ"),
        readlink(`/proc/${pid}/cwd`).catch(() => ""),
      ]);
      return `${cwd}\n${argv}\n${environ}`.includes(path) ? [argv.replaceAll("\0", " ")] : [];
    }),
  );
  return found.flat();
}
