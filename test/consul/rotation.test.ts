import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { clientAt } from "./fixtures/connection.ts";
import { makeNode, supervise } from "./fixtures/node.ts";

const oldKey = Buffer.alloc(32, 1).toString("base64");
const newKey = Buffer.alloc(32, 2).toString("base64");
const NAME = "mastodon-1";

test("a gossip key is rotated through the whole cluster as docs/consul.md says, keyrings and all", async () => {
  await using server = await startConsul({ gossipKey: oldKey });
  await using node = await makeNode({ gossipKey: oldKey, join: server.join, name: NAME });
  const before = supervise(node);
  const client = clientAt(node.address);
  await until("the node to join", () => client.leader());
  const keyring = (method: string, Key: string) => server.request(method, "/v1/operator/keyring", { Key });

  await keyring("POST", newKey);
  await keyring("PUT", newKey);
  await before.stop();
  await node.configure({ gossipKey: newKey, join: server.join, name: NAME });
  await using after = supervise(node, { gossipKey: new Secret(newKey) });
  await until("the client with the new key", () => after.logged().includes("started the Consul client"));
  await until("the node to join again", () => client.leader());
  await keyring("DELETE", oldKey);

  const atServer = clientAt(server.address);
  await until("the server to see it alive", async () => {
    const members = await atServer.members();
    return members.some(({ name, isAlive }) => name === NAME && isAlive);
  });
  expect(after.logged()).not.toContain("moved aside a keyring");
  expect(await readdir(`${node.dataDir}/serf`)).not.toContainEqual(expect.stringMatching(/\.bak$/));
});
