import { expect, test } from "vitest";
import { readMember } from "../../src/sources/patroni.ts";

const KEY = "service/postgresql/members/pg1";

test.each([
  ["an address", "postgres://10.0.0.1:5433/postgres", { host: "10.0.0.1", port: 5433 }],
  ["a name, in canonical form", "postgres://DB1.Example.org:5432/x", { host: "db1.example.org", port: 5432 }],
  ["no port", "postgres://10.0.0.1/postgres", { host: "10.0.0.1", port: 5432 }],
  ["IPv6", "postgres://[2001:db8::1]:5432/postgres", { host: "2001:db8::1", port: 5432 }],
])("accepts a conn_url with %s", (_, url, endpoint) => {
  expect(readMember(KEY, JSON.stringify({ conn_url: url, role: "master" }))).toEqual({ endpoint });
});

test.each([
  ["without a host", "postgres:///postgres", /DBHOST/],
  ["with an address that database.yml misreads", "postgres://[::1]:5432/postgres", /DBHOST/],
  ["with a shell's characters", "postgres://a'$HOME`b:5432/x", /DBHOST/],
  ["with several hosts", "postgres://10.0.0.1,10.0.0.2/x", /DBHOST/],
  ["with a port of zero", "postgres://10.0.0.1:0/postgres", /DBPORT/],
  ["with a port beyond all ports", "postgres://10.0.0.1:70000/postgres", /a URL/],
  ["that is none", "10.0.0.1", /a URL/],
])("refuses a conn_url %s, and names its key", (_, url, expected) => {
  const { endpoint, refusal } = readMember(KEY, JSON.stringify({ conn_url: url }));
  expect(endpoint).toBeUndefined();
  expect(refusal?.complaint.where).toBe(`Consul KV ${KEY}`);
  expect(refusal?.complaint.what).toMatch(expected);
});

test.each(["", "no JSON", "{}", '{"conn_url": 1}'])("a member that says %j gives no address", (text) => {
  expect(readMember(KEY, text)).toEqual({ endpoint: undefined });
});
