import { expect, test } from "vitest";
import { certificatesInUse, renderInput } from "../../src/agent/render-input.ts";
import { type Merged, merge } from "../../src/settings/merge.ts";
import { ownVariables } from "../../src/settings/own-variables.ts";
import { SETTING_NAMES, type SettingName } from "../../src/settings/schema.ts";
import { NO_WISHES, type Wish } from "../../src/settings/wish.ts";

const folders = new Map([
  ["example.org", "/acme/example.org/1"],
  ["social.example.org", "/acme/social.example.org/1"],
  ["files.example.org", "/own/files.example.org"],
  ["other.example.org", "/own/other.example.org"],
]);

test("nginx gets the certificate of the web domain if it differs from the domain", () => {
  const merged = given({ DOMAIN: "example.org", WEBDOMAIN: "social.example.org" });
  expect(renderInput(merged, new Map(), {}, folders)).toMatchObject({
    certificate: "/acme/social.example.org/1",
    media_certificate: undefined,
  });
});

test("the domain's certificate is used if the web domain has none", () => {
  const merged = given({
    DOMAIN: "example.org",
    WEBDOMAIN: "www.example.org",
    BUCKETALIAS: "files.example.org",
  });
  expect(renderInput(merged, new Map(), {}, folders)).toMatchObject({
    certificate: "/acme/example.org/1",
    media_certificate: "/own/files.example.org",
  });
  expect(certificatesInUse(merged, folders)).toEqual({
    "example.org": "/acme/example.org/1",
    "files.example.org": "/own/files.example.org",
  });
});

test("a template may name a variable of a fork's as soon as the configuration does", () => {
  const own = ownVariables({ MAX_TOOT_CHARS: { secret: false, units: ["web"] } });
  const env = (variables: ReadonlyMap<string, string>) =>
    renderInput(given({}), variables, {}, new Map(), own)["env"];
  expect(env(new Map())).toHaveProperty("MAX_TOOT_CHARS", undefined);
  expect(env(new Map([["MAX_TOOT_CHARS", "5000"]]))).toMatchObject({ MAX_TOOT_CHARS: "5000" });
});

test.each([
  [undefined, "https://s3.example.org:8443/mastodon"],
  ["false", "https://s3.example.org:8443/mastodon"],
  ["true", "https://mastodon.s3.example.org:8443"],
])("nginx finds the bucket as Mastodon does: S3_OVERRIDE_PATH_STYLE=%s", (override, bucket_url) => {
  const merged = given({
    BUCKETHOST: "s3.example.org",
    BUCKETPORT: "8443",
    BUCKETSCHEME: "https",
    BUCKETNAME: "mastodon",
  });
  const wish = { level: "shared", where: "test" } as const;
  const variables = new Map(merged.variables);
  if (override !== undefined) variables.set("S3_OVERRIDE_PATH_STYLE", [{ ...wish, value: override }]);
  expect(renderInput({ ...merged, variables }, new Map(), {}, folders)).toMatchObject({ s3: { bucket_url } });
});

function given(values: Partial<Record<SettingName, string>>): Merged {
  const wishes = new Map<SettingName, Wish>();
  for (const name of SETTING_NAMES) {
    const value = values[name];
    if (value !== undefined) wishes.set(name, { level: "environment", value, where: name });
  }
  return merge({
    node: NO_WISHES,
    shared: NO_WISHES,
    catalogue: NO_WISHES,
    machine: NO_WISHES,
    live: NO_WISHES,
    environment: { ...NO_WISHES, settings: wishes },
  });
}
