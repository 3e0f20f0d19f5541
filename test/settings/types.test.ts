import { expect, test } from "vitest";
import { bracketed } from "../../src/base/address.ts";
import * as mail from "../../src/settings/mail-types.ts";
import * as types from "../../src/settings/types.ts";

const TYPES = {
  port: types.port,
  boolean: types.boolean,
  hostname: types.hostname,
  ip: types.ip,
  host: types.host("redis.example.org"),
  databaseHost: types.databaseHost,
  mailDomain: types.mailDomain,
  mailHost: types.mailHost,
  network: types.network,
  databaseName: types.databaseName,
  email: mail.email,
  mailbox: mail.mailbox,
  mailUser: mail.mailUser,
  url: types.url,
  region: types.region,
  bucket: types.bucket,
  nodeName: types.nodeName,
  datacenter: types.datacenter,
  serverList: types.serverList,
  gossipKey: types.gossipKey,
};

const accepted: [keyof typeof TYPES, string, string][] = [
  ["port", "5432", "5432"],
  ["port", "0080", "80"],
  ["boolean", "TRUE", "true"],
  ["hostname", "Social.Example.ORG.", "social.example.org"],
  ["hostname", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example"],
  ["host", "10.0.0.5", "10.0.0.5"],
  ["host", "[2001:DB8::1]", "2001:db8::1"],
  ["host", "db_1.internal", "db_1.internal"],
  ["databaseHost", "2001:db8::1", "2001:db8::1"],
  ["databaseHost", "fd00::5", "fd00::5"],
  ["databaseHost", "[FE80::1]", "fe80::1"],
  ["databaseHost", "3.db.example.org", "3.db.example.org"],
  ["databaseHost", "10-0-0-5", "10-0-0-5"],
  ["databaseHost", "2nd-db", "2nd-db"],
  ["databaseHost", "no.example.org", "no.example.org"],
  ["mailHost", "10.0.0.5", "10.0.0.5"],
  ["network", "10.0.0.0/8", "10.0.0.0/8"],
  ["network", "10.0.0.1", "10.0.0.1"],
  ["network", "2001:DB8::/32", "2001:db8::/32"],
  ["network", "::1/128", "::1/128"],
  ["databaseName", "mastodon_production", "mastodon_production"],
  ["email", "admin@example.org", "admin@example.org"],
  ["mailbox", "Mastodon <notifications@example.org>", "Mastodon <notifications@example.org>"],
  ["mailbox", "Dr. Ö's Site (u.s., test) <a@b.example>", "Dr. Ö's Site (u.s., test) <a@b.example>"],
  ["mailUser", "mastodon@example.org", "mastodon@example.org"],
  ["mailUser", "AKIA+IOSFODNN7/EXAMPLE", "AKIA+IOSFODNN7/EXAMPLE"],
  ["mailUser", "12345", "12345"],
  ["nodeName", "jail_1", "jail_1"],
  ["serverList", "10.0.0.2,10.0.0.3:8401,[::1]:8301", "10.0.0.2,10.0.0.3:8401,[::1]:8301"],
  ["gossipKey", "pUqJrVyVRj5jsiYEkM/tFQ==", "pUqJrVyVRj5jsiYEkM/tFQ=="],
  ["url", "https://example.org/path", "https://example.org/path"],
];

test.each(accepted)("%s accepts %s as %s", (name, text, canonical) => {
  expect(TYPES[name].accept(text)).toBe(canonical);
});

const refused: [keyof typeof TYPES, string][] = [
  ["port", "0"],
  ["port", "65536"],
  ["port", "80 "],
  ["port", "1e3"],
  ["boolean", "yes"],
  ["hostname", "-bad.example"],
  ["hostname", "http://example.org"],
  ["hostname", "münchen.example"],
  ["hostname", ""],
  ["host", "10.0.0.256"],
  ["host", "10.0.0.5:5432"],
  ["host", "$(id)"],
  ["host", "db;drop"],
  ["databaseHost", "::1"],
  ["databaseHost", "1:2:3:4:5:6:7:8"],
  ["databaseHost", "2001:db8::"],
  ["databaseHost", "fd00::"],
  ["databaseHost", "::ffff:10.0.0.5"],
  ...["0x1f", "0b1", "0o17", "1_000", "1e5", "1.e-3", "2026-11-24", "null", "true", "Off", "y"].map(
    (text): [keyof typeof TYPES, string] => ["databaseHost", text],
  ),
  ["mailHost", "::1"],
  ["mailHost", "0x1f"],
  ["mailHost", "no"],
  ["network", "10.0.0.0/33"],
  ["network", "10.0.0.0/08"],
  ["network", "10.0.0.0/0"],
  ["network", "10.0.0/8"],
  ["network", "10.0.0.256"],
  ["network", "2001:db8::/129"],
  ["network", "dead"],
  ["network", "::g"],
  ["network", "10.0.0.0/8/8"],
  ["databaseName", "null"],
  ["mailDomain", "null"],
  ["mailDomain", "0123"],
  ["databaseName", "9lives"],
  ["databaseName", "a: b"],
  ["email", "admin"],
  ["mailbox", "Name <no address>"],
  ["mailbox", "Friends, Inc. <news@example.org>"],
  ["mailbox", "News; daily <news@example.org>"],
  ["mailbox", "Site [test] <news@example.org>"],
  ["mailbox", "Site (test <news@example.org>"],
  ["mailbox", "news[1]@example.org"],
  ["email", "admin@example..org"],
  ["mailbox", "News: daily <news@example.org>"],
  ["mailbox", "Team #1 <news@example.org>"],
  ["mailbox", "*@example.org"],
  ["mailUser", "0123"],
  ["mailUser", "1e5"],
  ["mailUser", "2026-11-24"],
  ["mailUser", "true"],
  ["mailUser", "@user"],
  ["mailUser", "user #1"],
  ["mailUser", "user:"],
  ["nodeName", "_jail"],
  ["nodeName", "jail/1"],
  ["serverList", "10.0.0.2, 10.0.0.3"],
  ["serverList", "10.0.0.2,,10.0.0.3"],
  ["gossipKey", Buffer.alloc(31).toString("base64")],
  ["gossipKey", "not base64!"],
  ["url", "example.org"],
];

test.each(refused)("%s refuses %j", (name, text) => {
  expect(TYPES[name].accept(text)).toBeUndefined();
});

test("accepts its own example, for every type", () => {
  for (const [name, type] of Object.entries(TYPES)) {
    if (name !== "gossipKey") expect(type.accept(type.example), name).toBeDefined();
  }
});

test("a text is one line that dotenv can hold", () => {
  const type = types.text("x");
  expect(type.accept("p$ss w0rd # `id` $(id)")).toBe("p$ss w0rd # `id` $(id)");
  for (const bad of ["", "two\nlines", "a\rb", "nul\0", "a\u2028b", "ends in \\", `'#"$`, "x".repeat(4097)]) {
    expect(type.accept(bad), JSON.stringify(bad.slice(0, 20))).toBeUndefined();
  }
});

test("a list with one unacceptable item is refused as a whole, and blanks are dropped", () => {
  const type = types.list(types.hostname, "a.example");
  expect(type.accept("A.example, b.example")).toBe("a.example,b.example");
  expect(type.accept("a.example,b example")).toBeUndefined();
});

test("puts IPv6 in brackets where a URL needs them", () => {
  expect(bracketed("2001:db8::1")).toBe("[2001:db8::1]");
  expect(bracketed("10.0.0.1")).toBe("10.0.0.1");
});
