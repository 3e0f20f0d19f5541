import { chmod, mkdir, readdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import * as z from "zod";
import { Misconfigured } from "../../src/base/errors.ts";
import { openState, readState } from "../../src/state/store.ts";
import { temporaryFolder } from "../world/temporary.ts";

const schema = z.strictObject({ version: z.literal(1), count: z.number() });
const empty = { version: 1 as const, count: 0 };
const addOne = (state: z.infer<typeof schema>) => ({ ...state, count: state.count + 1 });

test("remembers across a restart, readable by its owner only", async () => {
  await using folder = await temporaryFolder();
  const directory = folder.file("a", "b");
  const store = await openState(directory, schema, empty);
  await store.update(addOne);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(`${directory}/state.json`)).mode & 0o777).toBe(0o600);
  const again = await openState(directory, schema, empty);
  expect(again.read()).toEqual({ version: 1, count: 1 });
  expect(again.complaint).toBeUndefined();
});

test("narrows the mode of the directory if it is too wide", async () => {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  await openState(folder.path, schema, empty);
  expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
});

test("loses no change in a burst, and leaves no temporary file", async () => {
  await using folder = await temporaryFolder();
  const store = await openState(folder.path, schema, empty);
  await Promise.all(Array.from({ length: 200 }, () => store.update(addOne)));
  expect(JSON.parse(await readFile(folder.file("state.json"), "utf8"))).toEqual({ version: 1, count: 200 });
  expect(await readdir(folder.path)).toEqual(["state.json"]);
});

test("does not write what is already in the file", async () => {
  await using folder = await temporaryFolder();
  const store = await openState(folder.path, schema, empty);
  const before = await stat(folder.file("state.json"));
  await store.update((state) => ({ ...state }));
  expect((await stat(folder.file("state.json"))).ino).toBe(before.ino);
});

test.each([
  ["half a file", '{"version":1,"cou'],
  ["an empty file", ""],
  ["another version", '{"version":2,"count":5}'],
])("moves %s aside, says so without its content, and starts empty", async (_, text) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("state.json"), text);
  const store = await openState(folder.path, schema, empty);
  expect(store.read()).toEqual(empty);
  const aside = (await readdir(folder.path)).find((name) => name.startsWith("state.json.corrupt-"));
  expect(await readFile(folder.file(aside ?? ""), "utf8")).toBe(text);
  expect(store.complaint?.what).toContain(aside);
  expect(JSON.stringify(store.complaint)).not.toContain("count");
});

test("needs the operator when the directory cannot be used", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("state"), "");
  await expect(openState(folder.file("state"), schema, empty)).rejects.toThrow(Misconfigured);
  await expect(openState(folder.file("state", "below"), schema, empty)).rejects.toThrow(/cannot be used/);
});

test("keeps a change that could not be written, and writes it with the next one", async () => {
  await using folder = await temporaryFolder();
  const store = await openState(folder.path, schema, empty);
  // A directory in the place of the temporary file stands for a disk that refuses.
  await mkdir(folder.file(".state.json.mastodon-agent"));
  await expect(store.update(addOne)).rejects.toThrow();
  expect(store.read().count).toBe(1);
  await rmdir(folder.file(".state.json.mastodon-agent"));
  await store.update(addOne);
  expect((await openState(folder.path, schema, empty)).read().count).toBe(2);
});

test("lets others look without touching anything, not even a damaged file", async () => {
  await using folder = await temporaryFolder();
  expect(await readState(folder.file("absent"), schema)).toBeUndefined();
  await (await openState(folder.path, schema, empty)).update(addOne);
  expect(await readState(folder.path, schema)).toEqual({ version: 1, count: 1 });
  await writeFile(folder.file("state.json"), "{");
  expect(await readState(folder.path, schema)).toBeUndefined();
  expect(await readdir(folder.path)).toEqual(["state.json"]);
});
