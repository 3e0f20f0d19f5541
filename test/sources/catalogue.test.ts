import { expect, test } from "vitest";
import { readCatalogue, readSentinels } from "../../src/sources/catalogue.ts";

const instance = {
  id: "pg1",
  node: "n1",
  host: "10.0.0.1",
  port: 5432,
  tags: [],
  failing: [],
  modifyIndex: 1,
};

test("accepts proper instances and normalises their hosts", () => {
  expect(readCatalogue("postgres", [{ ...instance, host: "DB.Example.org" }]).instances).toEqual([
    { ...instance, host: "db.example.org" },
  ]);
});

test.each([
  ["a host that is none", { host: "$(id)" }, /DBHOST/],
  ["every address for its host", { host: "0.0.0.0" }, /DBHOST.*not 0\.0\.0\.0 or ::/],
  ["every IPv6 address", { host: "::" }, /DBHOST/],
  ["the same, written out", { host: "[0:0:0:0:0:0:0:0]" }, /DBHOST/],
  ["a port of zero", { port: 0 }, /DBPORT/],
  ["a port beyond the last", { port: 65536 }, /DBPORT/],
  ["two hosts", { host: "10.0.0.1,10.0.0.2" }, /DBHOST/],
  ["a line break in its host", { host: "db\nSECRET_KEY_BASE=x" }, /DBHOST/],
])("refuses an instance with %s and names it", (_, change, setting) => {
  const { instances, refusals } = readCatalogue("postgres", [
    { ...instance, ...change },
    { ...instance, id: "pg2" },
  ]);
  expect(instances.map(({ id, fault }) => [id, fault === undefined])).toEqual([
    ["pg1", false],
    ["pg2", true],
  ]);
  expect(refusals[0]?.complaint.where).toBe("service pg1 on node n1");
  expect(refusals[0]?.complaint.what).toMatch(setting);
});

test("refuses an invalid scheme for S3", () => {
  expect(readCatalogue("s3", [{ ...instance, scheme: "file" }]).refusals).toHaveLength(1);
});

test("a sidecar of the sentinels is none of them", () => {
  const sidecar = { ...instance, port: 21000, fault: "a connect-proxy, not the service itself" };
  expect(readSentinels([sidecar])).toMatchObject({
    instances: [],
    refusals: [{ complaint: { what: "the instance is a connect-proxy, not the service itself" } }],
  });
});

test.each([
  ["an IPv6 address, at whose colons Mastodon would take it apart", { host: "fd00::32" }],
  ["an IPv6 address in brackets", { host: "[fd00::32]" }],
  ["two hosts in one", { host: "10.0.0.32,10.0.0.33" }],
  ["a port of zero", { port: 0 }],
])("refuses a sentinel with %s, names it and uses the others", (_, change) => {
  const sentinel = { ...instance, id: "s1", port: 26379 };
  const { instances, refusals } = readSentinels([
    { ...sentinel, ...change },
    { ...sentinel, id: "s2" },
  ]);
  expect(instances.map(({ id }) => id)).toEqual(["s2"]);
  expect(refusals).toHaveLength(1);
  expect(refusals[0]?.complaint.where).toBe("service s1 on node n1");
  expect(refusals[0]?.complaint.what).toMatch(/REDIS_SENTINELS: expected a host name or an IPv4 address/);
});
