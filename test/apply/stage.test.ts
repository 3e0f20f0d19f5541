import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type FileSpec, fileSchema } from "../../src/apply/config.ts";
import { placeFile, placeOf } from "../../src/apply/place.ts";
import { commitAll, type StagedFile, stage, sweep } from "../../src/apply/stage.ts";
import { isMountPoint } from "../../src/apply/target.ts";
import { Misconfigured } from "../../src/base/errors.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const isRoot = process.geteuid?.() === 0;

function entry(path: string, more: Partial<FileSpec> = {}): FileSpec {
  return { ...fileSchema.parse({ template: "t", path }), name: "file", ...more };
}

/** As an apply does it: first a look, then the new content beside what was found. */
async function staged(spec: FileSpec, content: string): Promise<StagedFile> {
  return stage(await placeFile({ spec, content }));
}

async function write(spec: FileSpec, content: string): Promise<void> {
  commitAll([await staged(spec, content)]);
}

test("changes nothing that anyone reads until the commit, and leaves nothing behind", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("x"));
  await write(spec, "old");
  const written = await staged(spec, "new");
  expect(await readFile(spec.path, "utf8")).toBe("old");
  expect(await readFile(written.temporary, "utf8")).toBe("new");
  commitAll([written]);
  expect(await readFile(spec.path, "utf8")).toBe("new");
  expect(await readdir(folder.path)).toEqual(["x"]);
});

test("shows a reader the old file or the new one, never half of it and never with a wider mode", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("x"), { mode: "0600" });
  await write(spec, "a".repeat(100_000));
  await using reader = await start(process.execPath, [
    join(import.meta.dirname, "fixtures/read-loop.ts"),
    spec.path,
  ]);
  await until("the reader to read", () => reader.output().includes("reading"));
  for (const letter of "bcdefghijklmnopqrstuvwxyz".repeat(8)) await write(spec, letter.repeat(100_000));
  await reader.stop();
  expect(reader.output()).toMatch(/^reading\ndone after \d+\n$/);
});

test("is never readable by others while it is written, whatever the umask", async () => {
  await using folder = await temporaryFolder();
  const before = process.umask(0);
  try {
    const written = await staged(entry(folder.file("x"), { mode: "0600" }), "secret");
    expect((await stat(written.temporary)).mode & 0o777).toBe(0o600);
  } finally {
    process.umask(before);
  }
});

test("sees a wrong mode as a difference and corrects it", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("x"), { mode: "0640" });
  await write(spec, "same");
  expect((await placeOf(spec)).there).toMatchObject({ content: "same", asSpecified: true });
  await chmod(spec.path, 0o644);
  expect((await placeOf(spec)).there).toMatchObject({ content: "same", asSpecified: false });
  await write(spec, "same");
  expect((await stat(spec.path)).mode & 0o7777).toBe(0o640);
});

test("as root, gives the file to its owner and group; as anyone else, says that it may not", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("x"), { owner: isRoot ? "nobody" : "root", group: "daemon" });
  if (!isRoot) return expect(staged(spec, "new")).rejects.toThrow(Misconfigured);
  await writeFile(spec.path, "old");
  expect((await placeOf(spec)).there).toMatchObject({ asSpecified: false });
  await write(spec, "new");
  expect(await stat(spec.path)).toMatchObject({ uid: 65534, gid: 1 });
  expect((await placeOf(spec)).there).toMatchObject({ content: "new", asSpecified: true });
});

test("keeps the file's owner if the entry names none", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("x"));
  await writeFile(spec.path, "old");
  if (isRoot) await chown(spec.path, 12, 34);
  const { uid, gid } = await stat(spec.path);
  await write(spec, "new");
  expect(await stat(spec.path)).toMatchObject({ uid, gid });
});

test("puts back bytes, mode and absence", async () => {
  await using folder = await temporaryFolder();
  const bytes = Buffer.from([0xff, 0x00, 0xfe]);
  await writeFile(folder.file("x"), bytes, { mode: 0o604 });
  const [there, absent] = [
    await staged(entry(folder.file("x")), "new"),
    await staged(entry(folder.file("y")), "new"),
  ];
  expect(await there.restore()).toBe(false);
  commitAll([there, absent]);
  expect([await there.restore(), await absent.restore()]).toEqual([true, true]);
  expect(await readFile(folder.file("x"))).toEqual(bytes);
  expect((await stat(folder.file("x"))).mode & 0o777).toBe(0o604);
  expect(await readdir(folder.path)).toEqual(["x"]);
});

test("removes what a crash left behind, and does not follow a link in its place", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("x"));
  await writeFile(folder.file("victim"), "untouched");
  await symlink(folder.file("victim"), folder.file(".x.mastodon-agent"));
  await write(spec, "new");
  expect(await readFile(folder.file("victim"), "utf8")).toBe("untouched");
  expect((await lstat(spec.path)).isFile()).toBe(true);
  await staged(spec, "left by a crash");
  await sweep([spec]);
  expect((await readdir(folder.path)).sort()).toEqual(["victim", "x"]);
});

test("keeps a link and replaces its target", async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("persistent"));
  await mkdir(folder.file("www"));
  const spec = entry(folder.file("www", ".env"));
  await symlink("../persistent/env", spec.path);
  await write(spec, "one");
  await write(spec, "two");
  expect((await lstat(spec.path)).isSymbolicLink()).toBe(true);
  expect(await readFile(folder.file("persistent", "env"), "utf8")).toBe("two");
  expect(await readdir(folder.file("persistent"))).toEqual(["env"]);
});

test("follows neither a circular link nor one that a third user made", async () => {
  await using folder = await temporaryFolder();
  await symlink(folder.file("b"), folder.file("a"));
  await symlink(folder.file("a"), folder.file("b"));
  await expect(staged(entry(folder.file("a")), "new")).rejects.toThrow("form a circle");
  if (!isRoot) return;
  await symlink("/etc/passwd", folder.file("trap"));
  await lchown(folder.file("trap"), 12, 34);
  await expect(staged(entry(folder.file("trap")), "new")).rejects.toThrow("belongs to uid 12");
});

test("tells a mount from a file", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("x"), "");
  expect(await isMountPoint(folder.file("x"))).toBe(false);
  expect(await isMountPoint(folder.file("absent"))).toBe(false);
  expect(await isMountPoint("/proc")).toBe(true);
  // On a device of its own, and not mounted: as a file in an overlay's lower layer.
  expect(await isMountPoint("/proc/self/ns/mnt")).toBe(false);
});
