import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const fixture = join(import.meta.dirname, "fixtures/preflight.ts");

/** The complaints of an ordinary user, whoever runs the tests. */
async function asNobody(entry: Record<string, unknown>): Promise<string> {
  return run(process.execPath, [fixture, JSON.stringify([{ template: "t", ...entry }])]);
}

test("does not complain about a file that can be written", async () => {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o777);
  expect(await asNobody({ path: folder.file("x") })).toBe("[]\n");
  expect(await readdir(folder.path)).toEqual([]);
});

test.each([
  ["a missing directory", { path: "absent/x" }, "absent does not exist"],
  ["a directory that it may not write in", { path: "closed/x" }, "may not write in"],
  [
    "a user that does not exist",
    { path: "x", owner: "mastodoon" },
    "there is no user mastodoon on this machine",
  ],
  [
    "a group that does not exist",
    { path: "x", group: "mastodoon" },
    "there is no group mastodoon on this machine",
  ],
  [
    "an owner that only root could give it to",
    { path: "x", owner: "root" },
    "may not give a file to user root",
  ],
  ["a group that it is not in", { path: "x", group: "0" }, "may not give a file to group 0"],
  ["a directory in place of the file", { path: "closed" }, "is not a regular file"],
  ["a file that it may not read", { path: "unreadable" }, "may not read the existing file"],
])("complains about %s and touches nothing", async (_, { path, ...more }, message) => {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o777);
  await mkdir(folder.file("closed"), { mode: 0o555 });
  await writeFile(folder.file("unreadable"), "", { mode: 0o000 });
  const before = await readdir(folder.path);
  const complaints = await asNobody({ path: folder.file(path), ...more });
  expect(JSON.parse(complaints)).toEqual([
    expect.objectContaining({ where: folder.file(path), what: expect.stringContaining(message) }),
  ]);
  expect(await readdir(folder.path)).toEqual(before);
});
