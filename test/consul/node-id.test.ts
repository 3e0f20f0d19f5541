import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { nodeIdIn } from "../../src/consul/node-id.ts";
import { temporaryFolder } from "../world/temporary.ts";

const ID = "86722325-3cd3-39a7-cd98-1eed8fa9786b";

test("the identity that a client has written is used", async () => {
  await using folder = await temporaryFolder("node-id");
  await writeFile(folder.file("node-id"), `${ID}\n`);
  expect(await nodeIdIn(folder.path)).toBe(ID);
});

test("a client that has never run gets a new one", async () => {
  await using folder = await temporaryFolder("node-id");
  const [one, other] = [await nodeIdIn(folder.path), await nodeIdIn(folder.file("not", "there"))];
  expect(one).toMatch(/^[0-9a-f-]{36}$/);
  expect(other).not.toBe(one);
});

test("an identity that cannot be read, or is not one, is not replaced", async () => {
  await using folder = await temporaryFolder("node-id");
  await writeFile(folder.file("node-id"), "something else\n");
  expect(await nodeIdIn(folder.path)).toBeUndefined();
  await mkdir(folder.file("data", "node-id"), { recursive: true });
  expect(await nodeIdIn(folder.file("data"))).toBeUndefined();
});
