import { expect, test } from "vitest";
import { merge, type Offers } from "../../src/settings/merge.ts";
import type { SettingName } from "../../src/settings/schema.ts";
import { type Layer, type Level, NO_WISHES } from "../../src/settings/wish.ts";

test("puts node KV over shared KV over catalogue over environment over default", () => {
  const all: Offers = {
    node: layer("node", { DBPORT: "1" }),
    shared: layer("shared", { DBPORT: "2" }),
    catalogue: layer("catalogue", { DBPORT: "3" }),
    environment: layer("environment", { DBPORT: "4" }),
    machine: NO_WISHES,
    live: NO_WISHES,
  };
  const taken: string[] = [];
  for (const level of ["node", "shared", "catalogue", "environment", "default"] as const) {
    taken.push(String(merge(all).settings.get("DBPORT")?.[0].value));
    if (level !== "default") Object.assign(all, { [level]: NO_WISHES });
  }
  expect(taken).toEqual(["1", "2", "3", "4", "5432"]);
});

test("keeps every level's value behind the one in force, with its provenance", () => {
  const ranked = merge(
    offers({
      shared: layer("shared", { MAILPORT: "587" }),
      environment: layer("environment", { MAILPORT: "465" }),
    }),
  ).settings.get("MAILPORT");
  expect(ranked).toEqual([
    { level: "shared", value: "587", where: "shared MAILPORT" },
    { level: "environment", value: "465", where: "environment MAILPORT" },
    { level: "default", value: "25", where: "default" },
  ]);
});

test("names the required settings that no source knows", () => {
  const { missing } = merge(offers({ environment: layer("environment", { DOMAIN: "social.example.org" }) }));
  expect(missing).toContain("DBHOST");
  expect(missing).not.toContain("DOMAIN");
  expect(missing).not.toContain("REMOTELOG");
});

test("does not pair the host that an operator put with the catalogue's port", () => {
  const catalogue = layer("catalogue", { DBHOST: "10.0.0.1", DBPORT: "6543" });
  const { settings } = merge(offers({ catalogue, shared: layer("shared", { DBHOST: "db.example.org" }) }));
  expect(settings.get("DBHOST")?.[0].value).toBe("db.example.org");
  expect(settings.get("DBPORT")?.[0].value).toBe("5432");
});

test("an operator can override only the port of the catalogue's endpoint", () => {
  const catalogue = layer("catalogue", { DBHOST: "10.0.0.1", DBPORT: "6543" });
  const { settings } = merge(offers({ catalogue, node: layer("node", { DBPORT: "6432" }) }));
  expect(settings.get("DBHOST")?.[0].value).toBe("10.0.0.1");
  expect(settings.get("DBPORT")?.[0].value).toBe("6432");
});

test("ranks variables like settings", () => {
  const node: Layer = {
    settings: new Map(),
    variables: new Map([["SINGLE_USER_MODE", wish("node", "true")]]),
  };
  const shared: Layer = {
    settings: new Map(),
    variables: new Map([["SINGLE_USER_MODE", wish("shared", "false")]]),
  };
  expect(
    merge(offers({ node, shared }))
      .variables.get("SINGLE_USER_MODE")
      ?.map(({ value }) => value),
  ).toEqual(["true", "false"]);
});

function offers(some: Partial<Offers>): Offers {
  const nothing = { node: NO_WISHES, shared: NO_WISHES, catalogue: NO_WISHES, environment: NO_WISHES };
  return { ...nothing, machine: NO_WISHES, live: NO_WISHES, ...some };
}

function layer(level: Level, values: Partial<Record<SettingName, string>>): Layer {
  const settings = new Map<SettingName, ReturnType<typeof wish>>();
  for (const [name, value] of Object.entries(values))
    settings.set(name as SettingName, wish(level, value, name));
  return { settings, variables: new Map() };
}

function wish(level: Level, value: string, name = "") {
  return { level, value, where: `${level} ${name}`.trim() };
}
