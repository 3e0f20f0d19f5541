import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { storage } from "../../src/commands/check/storage.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("folders that are still to be created in the same one are tried at the same time, and nothing is left", async () => {
  await using folder = await temporaryFolder("storage");
  // Each comes a little later than the one before, so that one begins while another ends.
  const tries = Array.from({ length: 200 }, async (_, at) => {
    for (let turn = 0; turn < at; turn++) await new Promise((resolve) => setImmediate(resolve));
    return storage(folder.file(String(at)));
  });
  for (const verdict of await Promise.all(tries))
    expect(verdict).toMatch(/will be created at the first start/);
  expect(await readdir(folder.path)).toEqual([]);
});
