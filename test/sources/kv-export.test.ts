import { expect, test } from "vitest";
import { reveal } from "../../src/base/secret.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import { type Environment, readEnvironment } from "../../src/sources/environment.ts";
import { readKv } from "../../src/sources/kv.ts";
import { kvExport, type Wanted } from "../../src/sources/kv-export.ts";

const JOIN = {
  DATACENTER: "dc1",
  IP: "10.0.0.5",
  NODENAME: "jail1",
  CONSULSERVERS: "10.0.0.2",
  GOSSIPKEY: "pUqJrVyVRj5jsiYEkM/tFQ==",
} as const;

test("exports what was set, by the settings' own names, and no defaults", () => {
  expect(values({ MAILHOST: "smtp.example.org", S3PORT: "9000" })).toEqual({
    "mastodon/settings/MAILHOST": "smtp.example.org",
    "mastodon/settings/BUCKETPORT": "9000",
  });
});

test("writes a node's keys into its own folder", () => {
  expect(values({ MAILPORT: "587" }, { folder: "mastodon/nodes/jail1" })).toEqual({
    "mastodon/nodes/jail1/settings/MAILPORT": "587",
  });
});

test("leaves out secrets unless asked for, endpoints as told, and always what joining needs", () => {
  const environment = { MAILPASS: "secret", DBHOST: "10.0.0.20", DBNAME: "mastodon" };
  const endpoints = new Set(["DBHOST", "DBPORT"]);
  const { entries, left } = exported(environment, { endpoints });
  expect(entries.map(({ key }) => key)).toEqual(["mastodon/settings/DBNAME"]);
  expect(Object.fromEntries(left)).toEqual({
    join: ["DATACENTER", "IP", "NODENAME", "CONSULSERVERS", "GOSSIPKEY"],
    secret: ["MAILPASS"],
    endpoint: ["DBHOST"],
  });
  const all = exported(environment, { withSecrets: true });
  expect(all.entries).toHaveLength(3);
  expect([...all.left.keys()]).toEqual(["join"]);
});

test("names Mastodon variables and pinned keys in the environment that have no effect", () => {
  const { entries, left } = exported({
    SECRET_KEY_BASE: "k",
    SINGLE_USER_MODE: "true",
    DB_HOST: "x",
    HOME: "/",
  });
  expect(entries).toEqual([]);
  expect([left.get("pinned"), left.get("unread")]).toEqual([["SECRET_KEY_BASE"], ["SINGLE_USER_MODE"]]);
});

test("is read back from KV as the same bytes, whatever is in a value", () => {
  const odd = `$HOME & "quotes" \\\\ \u00fc.`;
  const { entries } = exported({ MAILPASS: odd }, { withSecrets: true });
  const { shared, refusals } = readKv(
    entries.map(({ key, value }) => ({ key, value: Buffer.from(value, "base64"), modifyIndex: 1 })),
    { prefix: "mastodon", node: "jail1", own: NO_OWN_VARIABLES, accepted: [] },
  );
  expect(refusals).toEqual([]);
  expect(reveal(shared.settings.get("MAILPASS")?.value ?? "")).toBe(odd);
});

function exported(environment: Environment, wanted: Partial<Wanted> = {}) {
  const given = { ...JOIN, ...environment };
  const usual = { folder: "mastodon", withSecrets: false, endpoints: new Set<string>() };
  return kvExport(readEnvironment(given), given, { ...usual, ...wanted });
}

function values(environment: Environment, wanted: Partial<Wanted> = {}): Record<string, string> {
  const { entries } = exported(environment, wanted);
  return Object.fromEntries(
    entries.map(({ key, value }) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );
}
