import { expect, test } from "vitest";
import { decide, type Scene } from "../../src/agent/database-decision.ts";
import type { Schema } from "../../src/probe/schema.ts";

const MIGRATIONS = { before: ["1", "3"], after: ["2", "4"], digest: "new" };
const NOBODY = { state: "prepared", nodes: new Map() } as const;

function sceneOf(more: Partial<Scene>): Scene {
  return {
    node: "jail1",
    place: "10.0.0.1:5432/mastodon",
    stateKey: "mastodon-agent/example.org/database/state",
    nodesKey: "mastodon-agent/example.org/database/nodes/",
    reloadCommand: "consul kv put RELOAD",
    schema: migrated("1", "2", "3", "4"),
    migrations: MIGRATIONS,
    running: "new",
    record: NOBODY,
    isWanted: true,
    ...more,
  };
}

const migrated = (...versions: string[]): Schema => ({ kind: "migrated", versions: new Set(versions) });
const EMPTY: Schema = { kind: "empty" };

test("runs nothing on a database that lacks nothing, whoever asks", () => {
  for (const isWanted of [true, false])
    for (const record of [NOBODY, undefined])
      expect(decide(sceneOf({ isWanted, record }))).toEqual({ kind: "ready", isComplete: true });
});

test("prepares an empty database for waiting units, and seeds it if a preparation was cut off", () => {
  const record = { state: "none", nodes: new Map() } as const;
  expect(decide(sceneOf({ schema: EMPTY, record }))).toEqual({ kind: "run", steps: ["prepare"] });
  const again = { kind: "run", steps: ["prepare", "seed"] };
  expect(decide(sceneOf({ schema: EMPTY, record: { ...record, state: "preparing" } }))).toEqual(again);
  expect(decide(sceneOf({ schema: migrated("1"), record: { ...record, state: "preparing" } }))).toEqual(
    again,
  );
  expect(decide(sceneOf({ schema: EMPTY, record, isWanted: false }))).toMatchObject({ kind: "wait" });
});

test("never prepares a database that the site has lost, one that belongs to others, or any without Consul", () => {
  expect(decide(sceneOf({ schema: EMPTY }))).toMatchObject({
    kind: "wait",
    complaint: {
      what: "it is empty, although the site had one",
      cure: expect.stringContaining("consul kv delete mastodon-agent/example.org/database/state"),
    },
  });
  expect(decide(sceneOf({ schema: EMPTY, record: undefined }))).toMatchObject({ kind: "wait" });
  for (const kind of ["foreign", "busy"] as const)
    expect(decide(sceneOf({ schema: { kind } }))).toMatchObject({ kind: "wait" });
});

test("runs what new code needs before it is started, or at once if it is already running", () => {
  const schema = migrated("1", "2");
  expect(decide(sceneOf({ schema }))).toEqual({ kind: "run", steps: ["before"] });
  expect(decide(sceneOf({ schema, isWanted: false }))).toEqual({ kind: "run", steps: ["before"] });
  expect(decide(sceneOf({ schema, isWanted: false, running: "old" }))).toMatchObject({
    kind: "wait",
    complaint: { cure: expect.stringContaining("consul kv put RELOAD") },
  });
});

test("runs the rest once no node is known to run other code, and names the one that is behind", () => {
  const schema = migrated("1", "2", "3");
  const calm = { schema, isWanted: false };
  expect(decide(sceneOf({ schema })), "units wait: they come first").toEqual({
    kind: "ready",
    isComplete: false,
  });
  expect(decide(sceneOf(calm))).toEqual({ kind: "run", steps: ["after"] });
  const nodes = (...others: [string, string][]) => ({ ...NOBODY, nodes: new Map(others) });
  const even = nodes(["jail1", "old"], ["jail2", "new"]);
  expect(decide(sceneOf({ ...calm, record: even })), "its own entry may be old").toMatchObject({
    kind: "run",
  });
  expect(decide(sceneOf({ ...calm, record: nodes(["jail2", "old"], ["jail3", "unknown"]) }))).toMatchObject({
    kind: "ready",
    isComplete: false,
    waiting: {
      what: "1 post-deployment migrations are waiting: jail2, jail3 run other code",
      cure: expect.stringContaining("consul kv delete mastodon-agent/example.org/database/nodes/jail2"),
    },
  });
  expect(decide(sceneOf({ ...calm, running: "old" }))).toMatchObject({
    waiting: { cure: expect.stringContaining("Reload") },
  });
  expect(decide(sceneOf({ ...calm, record: undefined }))).toMatchObject({
    waiting: { what: expect.stringContaining("Consul cannot be asked") },
  });
});
