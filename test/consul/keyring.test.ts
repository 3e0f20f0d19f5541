import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { moveForeignKeyring } from "../../src/consul/keyring.ts";
import { temporaryFolder } from "../world/temporary.ts";

const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const ours = new Secret(key(1));

test("there is no keyring to move before the client's first start", async () => {
  await using folder = await temporaryFolder();
  expect(await moveForeignKeyring(folder.file("not", "there"), ours)).toBeUndefined();
});

test("a keyring that includes the key stays, whatever else it includes", async () => {
  await using folder = await temporaryFolder();
  const { keyring } = await makeKeyring(folder.path, JSON.stringify([key(2), key(1)]));
  expect(await moveForeignKeyring(folder.path, ours)).toBeUndefined();
  expect(JSON.parse(await readFile(keyring, "utf8"))).toHaveLength(2);
});

test.each([
  ["of another key", JSON.stringify([key(2)])],
  ["that is no JSON", "not a keyring"],
  ["that is no list", '{"keys": []}'],
  ["that is empty", ""],
])("a keyring %s is kept under another name", async (_, content) => {
  await using folder = await temporaryFolder();
  const { serf } = await makeKeyring(folder.path, content);
  const kept = await moveForeignKeyring(folder.path, ours);
  expect(kept).toMatch(/serf\/local\.keyring\.\d{8}T\d{6}Z\.bak$/);
  expect(await readFile(kept ?? "", "utf8")).toBe(content);
  expect(await readdir(serf)).toHaveLength(1);
});

async function makeKeyring(dataDir: string, content: string) {
  const serf = `${dataDir}/serf`;
  const keyring = `${serf}/local.keyring`;
  await mkdir(serf);
  await writeFile(keyring, content);
  return { serf, keyring };
}
