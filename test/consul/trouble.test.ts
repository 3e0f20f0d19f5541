import { expect, test } from "vitest";
import { troubleIn } from "../../src/consul/trouble.ts";

test.each([
  [
    "\t* Failed to join 127.20.0.1: No installed keys could decrypt the message",
    { kind: "wrong_gossip_key" },
  ],
  [
    "    2026-11-24T10:56:17.086Z [WARN]  agent: keyring doesn't include key provided with -encrypt, using keyring: keyring=LAN",
    { kind: "wrong_gossip_key" },
  ],
  [
    "    2026-11-24T10:56:17.086Z [ERROR] agent.client.serf.lan: serf: Node name conflicts with another node at 127.20.0.5:8301. Names must be unique! (Resolution enabled: true)",
    { kind: "name_conflict", other: "127.20.0.5" },
  ],
  [
    '    2026-11-24T10:56:17.961Z [WARN]  agent: Syncing node info failed.: error="rpc error making call: failed inserting node: Error while renaming Node ID: "64310090-e213-16ea-0964-be819f7cb88e": Node name ok is reserved by node 0f7f23f8-fab3-cfda-8bb0-36f0dba6a6c5 with name ok (127.20.0.5)"',
    { kind: "name_conflict", other: "127.20.0.5" },
  ],
  [
    "\t* Failed to join 127.20.0.99: dial tcp 127.20.0.99:8301: connect: connection refused",
    {
      kind: "server_unreachable",
      server: "127.20.0.99",
      reason: "dial tcp 127.20.0.99:8301: connect: connection refused",
    },
  ],
  [
    "  | \\t* Failed to join 127.44.1.9:8301: dial tcp 127.44.1.9:8301: connect: connection refused",
    {
      kind: "server_unreachable",
      server: "127.44.1.9:8301",
      reason: "dial tcp 127.44.1.9:8301: connect: connection refused",
    },
  ],
  [
    "\t* Failed to join 10.0.0.2: read tcp 10.0.0.9:45618->10.0.0.2:8301: i/o timeout",
    { kind: "server_unreachable", server: "10.0.0.2", reason: "read tcp: i/o timeout" },
  ],
  [
    "\t* Failed to resolve consul.example.org: lookup consul.example.org: no such host",
    {
      kind: "server_unreachable",
      server: "consul.example.org",
      reason: "lookup consul.example.org: no such host",
    },
  ],
  [
    "    2026-11-24T11:09:54.238Z [WARN]  agent: Node info update blocked by ACLs: node=04c9c8b0-14cf-d869-11c2-f7de78348f83 accessorID=",
    { kind: "denied", reason: "Node info update blocked by ACLs" },
  ],
])("%s", (line, trouble) => {
  expect(troubleIn(line)).toEqual(trouble);
});

test.each([
  "    2026-11-24T10:56:17.285Z [WARN]  agent.server.serf.lan: serf: Name conflict for 'ok' both 127.20.0.5:8301 and 127.20.0.3:8301 are claiming",
  "    2026-11-24T10:56:12.187Z [INFO]  agent: (LAN) joined: number_of_nodes=1",
  "==> Consul agent running!",
  "",
])("a line that says nothing about this node is not a problem: %s", (line) => {
  expect(troubleIn(line)).toBeUndefined();
});
