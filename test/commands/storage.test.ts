import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { storage } from "../../src/commands/check/storage.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("folders that are still to be created in the same one are tried at the same time, and nothing is left", async () => {
  await using folder = await temporaryFolder("storage");
  const found = await Promise.all(Array.from({ length: 20 }, (_, at) => storage(folder.file(String(at)))));
  for (const verdict of found) expect(verdict).toMatch(/will be created at the first start/);
  expect(await readdir(folder.path)).toEqual([]);
});
