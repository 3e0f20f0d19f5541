import { expect, test } from "vitest";
import { type Memory, NO_MEMORY } from "../../src/agent/memory.ts";
import { digest } from "../../src/base/digest.ts";
import { kvRows, type Row } from "../../src/commands/kv-rows.ts";
import { merge } from "../../src/settings/merge.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import type { SettingName } from "../../src/settings/schema.ts";
import { type Layer, NO_WISHES } from "../../src/settings/wish.ts";
import { readEnvironment } from "../../src/sources/environment.ts";
import { readKv } from "../../src/sources/kv.ts";

const JOIN = {
  DATACENTER: "dc1",
  IP: "10.0.0.5",
  NODENAME: "jail1",
  CONSULSERVERS: "10.0.0.2",
  GOSSIPKEY: "pUqJrVyVRj5jsiYEkM/tFQ==",
} as const;

test("says for each name how KV and the environment relate", () => {
  const seen = relations({
    kv: {
      "settings/MAILHOST": "new.example.org",
      "settings/DBPASS": "secret",
      "settings/BUCKETNAME": "media",
      "settings/MAILPORT": "many",
      "settings/DBHOTS": "x",
    },
    environment: { MAILHOST: "old.example.org", DBPASS: "secret", EMAIL: "admin@example.org" },
  });
  expect(seen).toEqual({
    DATACENTER: "must stay in environment",
    IP: "must stay in environment",
    NODENAME: "must stay in environment",
    CONSULSERVERS: "must stay in environment",
    GOSSIPKEY: "must stay in environment",
    EMAIL: "only in environment",
    MAILHOST: "kv hides environment",
    MAILPORT: "refused",
    DBPASS: "same",
    BUCKETNAME: "only in kv",
    DBHOTS: "refused",
  });
});

test("prefers the node's key to the shared one", () => {
  const row = rowOf("MAILPORT", {
    kv: { "settings/MAILPORT": "26", "nodes/jail1/settings/MAILPORT": "587" },
    environment: { MAILPORT: "587" },
  });
  expect([row.relation, row.kv?.where]).toEqual(["same", "mastodon/nodes/jail1/settings/MAILPORT"]);
});

test("distinguishes what was applied from what is only asked for", () => {
  const given = { kv: { "settings/MAILPORT": "587" }, environment: { MAILPORT: "25" } };
  const before = rowOf("MAILPORT", { ...given, applied: { MAILPORT: "25" } });
  expect([before.isApplied, before.inForce?.value]).toEqual([false, "25"]);
  const after = rowOf("MAILPORT", { ...given, applied: { MAILPORT: "587" } });
  expect([after.isApplied, after.inForce?.value]).toEqual([true, "587"]);
  const other = rowOf("MAILPORT", { ...given, applied: { MAILPORT: "26" } });
  expect([other.isApplied, other.inForce]).toEqual([false, { value: undefined }]);
});

test("still has a row for what was deleted from KV and is in force", () => {
  const row = rowOf("SINGLE_USER_MODE", {
    applied: { SINGLE_USER_MODE: "true" },
    lastGood: { "env/SINGLE_USER_MODE": "true" },
  });
  expect(row).toMatchObject({ relation: "gone", isApplied: false, inForce: { value: "true" } });
});

test("leaves a refused value out of the row and says which one stays in force", () => {
  const row = rowOf("MAILPORT", {
    kv: { "settings/MAILPORT": "many" },
    applied: { MAILPORT: "587" },
    lastGood: { "settings/MAILPORT": "587" },
  });
  expect(row).toMatchObject({
    relation: "refused",
    kv: undefined,
    inForce: { value: "587" },
    isApplied: true,
  });
  expect(row.refusals.map(({ where }) => where)).toEqual(["mastodon/settings/MAILPORT"]);
});

test("says where the catalogue decides, and where KV hides it", () => {
  const catalogue = new Map<SettingName, string>([["DBHOST", "10.0.0.21"]]);
  const environment = { DBHOST: "10.0.0.20" };
  expect(rowOf("DBHOST", { environment, catalogue }).catalogue).toBe("decides");
  const kv = { "settings/DBHOST": "10.0.0.20" };
  expect(rowOf("DBHOST", { environment, catalogue, kv }).catalogue).toBe("hidden");
  expect(rowOf("DBHOST", { environment, kv }).catalogue).toBe("silent");
});

interface Given {
  readonly kv?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly catalogue?: ReadonlyMap<SettingName, string>;
  readonly applied?: Readonly<Record<string, string>>;
  readonly lastGood?: Readonly<Record<string, string>>;
}

function rows({ kv = {}, catalogue, applied = {}, lastGood = {}, ...given }: Given): readonly Row[] {
  const place = { prefix: "mastodon", node: "jail1", own: NO_OWN_VARIABLES };
  const environment = readEnvironment({ ...JOIN, ...given.environment });
  const memory: Memory = {
    ...NO_MEMORY,
    kv: Object.entries(lastGood).map(([key, value]) => ({ key: `mastodon/${key}`, value, modifyIndex: 1 })),
    since: Object.fromEntries(
      Object.entries(applied).map(([name, value]) => [name, { digest: digest(value), at: "" }]),
    ),
  };
  const entries = Object.entries(kv).map(([key, value]) => ({
    key: `mastodon/${key}`,
    value: Buffer.from(value),
    modifyIndex: 2,
  }));
  const snapshot = readKv(entries, { ...place, accepted: memory.kv });
  const merged = merge({
    node: snapshot.node,
    shared: snapshot.shared,
    catalogue: layer(catalogue),
    environment,
    machine: NO_WISHES,
    live: NO_WISHES,
  });
  return kvRows({ ...place, kv: snapshot, environment, merged, memory });
}

function layer(catalogue: ReadonlyMap<SettingName, string> = new Map()): Layer {
  const settings = [...catalogue].map(
    ([name, value]) => [name, { level: "catalogue", value, where: "service pg1" }] as const,
  );
  return { ...NO_WISHES, settings: new Map(settings) };
}

function rowOf(name: string, given: Given): Row {
  const row = rows(given).find((each) => each.name === name);
  if (row === undefined) throw new Error(`no row for ${name}`);
  return row;
}

function relations(given: Given): Record<string, string> {
  return Object.fromEntries(rows(given).map(({ name, relation }) => [name, relation]));
}
