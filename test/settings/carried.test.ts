import { expect, test } from "vitest";
import { linesToCarry, liveLayer, notCarried, stillCarried } from "../../src/settings/carried.ts";
import { merge } from "../../src/settings/merge.ts";
import { type Layer, NO_WISHES } from "../../src/settings/wish.ts";

const FILE = "/mastodon/.env.production";

const table: readonly [string, string, string | undefined][] = [
  ["a variable of no table", "OIDC_OF_A_FORK", "OIDC_OF_A_FORK"],
  ["what a loader acts on: the file is the operator's own", "LD_PRELOAD", "LD_PRELOAD"],
  ["a variable that could be put", "DB_POOL", "DB_POOL"],
  ["a path on this machine", "ES_CA_FILE", "ES_CA_FILE"],
  ["what an optional setting feeds", "WEB_DOMAIN", "WEBDOMAIN"],
  ["what a setting with a default feeds", "DB_PORT", undefined],
  ["what a required setting feeds", "DB_HOST", undefined],
  ["what is made of settings", "S3_ENDPOINT", undefined],
  ["a pinned key", "SECRET_KEY_BASE", undefined],
  ["what would work against the agent", "DATABASE_URL", undefined],
  ["what Mastodon never reads from the file", "WEB_CONCURRENCY", undefined],
];

test.each(table)("%s is carried as itself, as its setting, or not at all", (_, variable, name) => {
  expect(linesToCarry(new Map([[variable, "1"]]))).toEqual(name === undefined ? {} : { [name]: "1" });
});

test("a line is carried until a source has it, or until it says only what follows from others", () => {
  const lines = { DEFAULT_LOCALE: "de", SMTP_AUTH_METHOD: "plain", SMTP_OPENSSL_VERIFY_MODE: "none" };
  const put = new Map([["DEFAULT_LOCALE", { level: "shared", value: "fr", where: "key" } as const]]);
  const merged = mergedWith({ ...NO_WISHES, variables: put }, liveLayer(lines, FILE));
  expect(stillCarried(lines, merged)).toEqual({ SMTP_OPENSSL_VERIFY_MODE: "none" });
  expect(merged.variables.get("SMTP_OPENSSL_VERIFY_MODE")?.[0].value).toBe("none");
});

test("a value that cannot be written is refused by its name, and only while no source has another", () => {
  const live = liveLayer({ A: "two\nlines", DEFAULT_LOCALE: "\0", B: "fine" }, FILE);
  expect(notCarried(mergedWith(NO_WISHES, live))?.what).toMatch(/^its value of A, DEFAULT_LOCALE cannot/);
  const put = new Map([["DEFAULT_LOCALE", { level: "shared", value: "fr", where: "key" } as const]]);
  const merged = mergedWith({ ...NO_WISHES, variables: put }, live);
  expect(notCarried(merged)?.what).toMatch(/^its value of A cannot/);
});

function mergedWith(shared: Layer, live: Layer) {
  const host = { level: "environment", value: "smtp.example.org", where: "MAILHOST" } as const;
  const environment = { ...NO_WISHES, settings: new Map([["MAILHOST", host] as const]) };
  return merge({ node: NO_WISHES, shared, catalogue: NO_WISHES, environment, machine: NO_WISHES, live });
}
