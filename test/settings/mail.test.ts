import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { deriveVariables } from "../../src/settings/derive.ts";
import { type Merged, merge } from "../../src/settings/merge.ts";
import type { SettingName } from "../../src/settings/schema.ts";
import { type Layer, type Level, NO_WISHES, type Wish } from "../../src/settings/wish.ts";

const SETTINGS: readonly (readonly [SettingName, string | Secret])[] = [
  ["DOMAIN", "social.example.org"],
  ["MAILHOST", "smtp.example.org"],
  ["MAILUSER", "mailuser"],
  ["MAILPASS", new Secret("mail-secret-1")],
  ["MAILFROM", "Mastodon <notifications@example.org>"],
];

test("the mail variables are complete, whatever is put", () => {
  expect(mail({})).toEqual({
    SMTP_SERVER: "smtp.example.org",
    SMTP_PORT: "25",
    SMTP_LOGIN: "mailuser",
    SMTP_PASSWORD: "mail-secret-1",
    SMTP_FROM_ADDRESS: "Mastodon <notifications@example.org>",
    SMTP_DOMAIN: "social.example.org",
    SMTP_AUTH_METHOD: "plain",
    SMTP_ENABLE_STARTTLS: "auto",
    SMTP_OPENSSL_VERIFY_MODE: "peer",
  });
});

test.each([
  ["25", {}, undefined, "auto"],
  ["587", {}, undefined, "always"],
  ["465", {}, "true", "never"],
  ["2525", {}, undefined, "auto"],
  // What an operator put always wins, and what follows from the port makes room for it.
  ["587", { SMTP_ENABLE_STARTTLS: "auto" }, undefined, "auto"],
  ["465", { SMTP_ENABLE_STARTTLS: "always" }, undefined, "always"],
  ["465", { SMTP_ENABLE_STARTTLS: "never" }, "true", "never"],
  ["465", { SMTP_TLS: "false" }, "false", "auto"],
  ["2465", { SMTP_TLS: "true" }, "true", "never"],
  ["2465", { SMTP_SSL: "true" }, undefined, "never"],
  ["465", { SMTP_SSL: "true" }, undefined, "never"],
  ["587", { SMTP_TLS: "true" }, "true", "never"],
  ["587", { SMTP_ENABLE_STARTTLS_AUTO: "false" }, undefined, "never"],
  ["587", { SMTP_ENABLE_STARTTLS_AUTO: "true" }, undefined, "auto"],
] as const)("port %s with %j put: SMTP_TLS %s, SMTP_ENABLE_STARTTLS %s", (port, put, tls, starttls) => {
  const variables = mail(put, port);
  expect([variables["SMTP_TLS"], variables["SMTP_ENABLE_STARTTLS"]]).toEqual([tls, starttls]);
});

test("what follows from the port says so, and gives way to what an operator put", () => {
  const { variables } = merged({ SMTP_ENABLE_STARTTLS: "auto" }, "587");
  expect(variables.get("SMTP_ENABLE_STARTTLS")).toEqual([
    { level: "shared", value: "auto", where: "shared" },
    { level: "default", value: "always", where: "MAILPORT 587" },
  ]);
  expect(merged({}, "465").variables.get("SMTP_TLS")?.[0].where).toBe("MAILPORT 465");
});

test("the port of the catalogue's mail server counts the same way", () => {
  const catalogue = layer("catalogue", [
    ["MAILHOST", "10.0.0.9"],
    ["MAILPORT", "465"],
  ]);
  const { variables } = merge({ ...offers({}), catalogue });
  expect(variables.get("SMTP_TLS")?.[0].value).toBe("true");
});

test("without a login there is no user either, because Ruby would log in anyway", () => {
  const variables = mail({ SMTP_AUTH_METHOD: "none" });
  expect(variables).not.toHaveProperty("SMTP_LOGIN");
  expect(variables).not.toHaveProperty("SMTP_PASSWORD");
});

test("the server for bulk mail follows its own port, once there is one", () => {
  expect(mail({ BULK_SMTP_PORT: "465" })).not.toHaveProperty("BULK_SMTP_TLS");
  expect(mail({ BULK_SMTP_SERVER: "bulk.example.org", BULK_SMTP_PORT: "465" }, "587")).toMatchObject({
    BULK_SMTP_TLS: "true",
    BULK_SMTP_ENABLE_STARTTLS: "never",
    BULK_SMTP_DOMAIN: "social.example.org",
    SMTP_ENABLE_STARTTLS: "always",
  });
});

/** Every line about mail. */
function mail(put: Readonly<Record<string, string>>, port?: string): Record<string, string> {
  const all = deriveVariables(merged(put, port), new Map());
  return Object.fromEntries(
    [...all]
      .filter(([name]) => name.includes("SMTP_"))
      .map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );
}

function merged(put: Readonly<Record<string, string>>, port?: string): Merged {
  return merge(offers(put, port));
}

function offers(put: Readonly<Record<string, string>>, port?: string) {
  const settings = port === undefined ? SETTINGS : [...SETTINGS, ["MAILPORT", port] as const];
  return {
    node: NO_WISHES,
    shared: layer("shared", [], put),
    catalogue: NO_WISHES,
    environment: layer("environment", settings),
    machine: NO_WISHES,
    live: NO_WISHES,
  };
}

function layer(
  level: Level,
  settings: readonly (readonly [SettingName, string | Secret])[],
  variables: Readonly<Record<string, string>> = {},
): Layer {
  const wish = (value: string | Secret): Wish => ({ level, value, where: level });
  return {
    settings: new Map(settings.map(([name, value]) => [name, wish(value)])),
    variables: new Map(Object.entries(variables).map(([name, value]) => [name, wish(value)])),
  };
}
