import { expect, test } from "vitest";
import { originText } from "../../src/report/origin.ts";

const host = { level: "environment", where: "MAILHOST", index: null };
const catalogue = { level: "catalogue", where: "service smtp1", index: 7 };
const shared = { level: "shared", where: "mastodon/settings/MAILPORT", index: 9 };

test.each([
  ["both of one instance", catalogue, catalogue, "catalogue: service smtp1"],
  ["a port by default", host, { level: "default", where: "default", index: null }, "environment: MAILHOST"],
  ["two variables", host, { ...host, where: "MAILPORT" }, "environment: MAILHOST and MAILPORT"],
  ["two sources", host, shared, "environment: MAILHOST, port from shared: mastodon/settings/MAILPORT"],
  ["a host alone, from an older state", host, null, "environment: MAILHOST"],
  ["nothing, from an older agent", null, null, "environment: X"],
])("the origin of an endpoint: %s", (_, fromHost, fromPort, text) => {
  expect(originText({ source: "environment: X", from: { host: fromHost, port: fromPort } })).toBe(text);
});
