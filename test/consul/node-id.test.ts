import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { configuredNodeId, nodeIdIn } from "../../src/consul/node-id.ts";
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

test("a client that was given its identity has it in its configuration, in JSON and in HCL, for its own name", async () => {
  await using folder = await temporaryFolder("node-id");
  const configured = async (text: string) => {
    await writeFile(folder.file("agent"), text);
    return configuredNodeId(folder.file("agent"), "jail1");
  };
  expect(await configured(JSON.stringify({ node_name: "jail1", node_id: ID.toUpperCase() }))).toBe(ID);
  expect(await configured(`node_id = "${ID}"\nnode_name = "jail1"\n`)).toBe(ID);
  expect(await configured(JSON.stringify({ node_name: "jail2", node_id: ID }))).toBeUndefined();
  expect(await configured(JSON.stringify({ node_name: "jail1", node_id: "none" }))).toBeUndefined();
  expect(await configuredNodeId(folder.file("not there"), "jail1")).toBeUndefined();
});
