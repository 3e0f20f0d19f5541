import { expect, test } from "vitest";
import { catalogueLayer } from "../../src/agent/endpoints.ts";
import { reveal } from "../../src/base/secret.ts";
import { quote } from "../../src/render/dotenv.ts";
import { parseAsRuby } from "../../src/render/ruby-dotenv.ts";
import { sameEndpoint } from "../../src/settings/dependencies.ts";
import { deriveEndpoint, deriveVariables } from "../../src/settings/derive.ts";
import { merge } from "../../src/settings/merge.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import { type Layer, NO_WISHES } from "../../src/settings/wish.ts";
import { readCatalogue } from "../../src/sources/catalogue.ts";
import { readKv } from "../../src/sources/kv.ts";
import { readByRuby } from "../render/ruby.ts";

/** What is put, and the lines that Mastodon's Ruby then reads. */
const READ: readonly (readonly [
  title: string,
  put: Put,
  read: Readonly<Record<string, string | undefined>>,
])[] = [
  [
    "links to media stay https, whatever the storage is reached with",
    { "settings/BUCKETHOST": "10.0.0.9", "settings/BUCKETPORT": "9000", "settings/BUCKETSCHEME": "http" },
    { S3_PROTOCOL: "https", S3_ENDPOINT: "http://10.0.0.9:9000" },
  ],
  [
    "links to media are http if somebody says so, whatever the storage is",
    { "settings/BUCKETHOST": "s3.example.org", "env/S3_PROTOCOL": "http" },
    { S3_PROTOCOL: "http", S3_ENDPOINT: "https://s3.example.org" },
  ],
  [
    "domains of email addresses are separated by |",
    {
      "env/EMAIL_DOMAIN_DENYLIST": "Spam.example | trash.example",
      "env/EMAIL_DOMAIN_ALLOWLIST": "example.org",
    },
    { EMAIL_DOMAIN_DENYLIST: "spam.example|trash.example", EMAIL_DOMAIN_ALLOWLIST: "example.org" },
  ],
  [
    "a canned ACL that is empty, for buckets without ACLs",
    { "env/S3_PERMISSION": "" },
    { S3_PERMISSION: "" },
  ],
  [
    "a relay without login",
    { "env/SMTP_AUTH_METHOD": "none", "settings/MAILHOST": "relay.example.org" },
    {
      SMTP_AUTH_METHOD: "none",
      SMTP_SERVER: "relay.example.org",
      SMTP_LOGIN: undefined,
      SMTP_PASSWORD: undefined,
    },
  ],
  [
    "Elasticsearch by TLS, with its port apart",
    { "env/ES_HOST": "https://Search.example.org", "env/ES_PORT": "9201" },
    { ES_HOST: "https://search.example.org", ES_PORT: "9201" },
  ],
  [
    "Elasticsearch by an IPv6 address, which its client understands only in a URL",
    { "env/ES_HOST": "FD00::1" },
    { ES_HOST: "http://[fd00::1]" },
  ],
  [
    "the same in brackets and by TLS",
    { "env/ES_HOST": "https://[fd00::1]" },
    { ES_HOST: "https://[fd00::1]" },
  ],
];

test.each(READ)("%s", async (_, put, read) => {
  const { refusals, variables } = rendered(put);
  expect(refusals).toEqual([]);
  const file = [...variables].map(([name, value]) => `${name}=${quote(value)}\n`).join("");
  const [seen] = await readByRuby([file]);
  for (const [name, value] of Object.entries(read)) {
    expect(seen?.[name], name).toBe(value);
    expect(parseAsRuby(file).get(name), name).toBe(value);
  }
});

const REFUSED: readonly (readonly [title: string, key: string, value: string, reason: RegExp])[] = [
  [
    "commas between domains of email addresses, which would block nobody",
    "env/EMAIL_DOMAIN_DENYLIST",
    "spam.example,trash.example",
    /separated by \|.*Example: example\.com\|example\.net/,
  ],
  [
    "a | at the end, which would match every address",
    "env/EMAIL_DOMAIN_DENYLIST",
    "spam.example|",
    /separated by \|/,
  ],
  [
    "a port in ES_HOST, after which Mastodon puts another one",
    "env/ES_HOST",
    "https://search.example.org:9200",
    /its port goes into ES_PORT.*Example: https:\/\/search\.example\.org$/,
  ],
  ["an empty host of Elasticsearch", "env/ES_HOST", "", /empty.*delete the key/],
];

test.each(REFUSED)("refuses %s", (_, key, value, reason) => {
  const { refusals } = rendered({ [key]: value });
  expect(refusals).toHaveLength(1);
  expect(refusals[0]).toMatch(reason);
});

test("a relay without login waits for neither MAILUSER nor MAILPASS, and only then", () => {
  expect(rendered({}).merged.missing).toEqual(expect.arrayContaining(["MAILUSER", "MAILPASS"]));
  const { missing } = rendered({ "env/SMTP_AUTH_METHOD": "none" }).merged;
  expect(missing).toContain("MAILHOST");
  expect(missing.filter((name) => name === "MAILUSER" || name === "MAILPASS")).toEqual([]);
});

test.each([
  ["10.0.0.7", "https", "https://10.0.0.7"],
  ["search.example.org", undefined, "search.example.org"],
  ["fd00::7", undefined, "http://[fd00::7]"],
  ["fd00::7", "https", "https://[fd00::7]"],
])("Elasticsearch registered at %s with the meta scheme %s is ES_HOST=%s", (host, scheme, text) => {
  const read = readCatalogue("elasticsearch", [
    {
      id: "es1",
      node: "n1",
      host,
      port: 9200,
      ...(scheme && { scheme }),
      tags: [],
      failing: [],
      modifyIndex: 1,
    },
  ]);
  expect(read.refusals).toEqual([]);
  const [instance] = read.instances;
  expect(instance).toMatchObject({ host, port: 9200 });
  const choices = new Map(
    read.instances.map((one) => ["elasticsearch", { kind: "keep", instance: one, rivals: [] }] as const),
  );
  const { merged, variables } = rendered({}, catalogueLayer(choices, new Map()));
  expect(variables.get("ES_HOST")).toBe(text);
  const endpoint = deriveEndpoint("elasticsearch", merged);
  expect(endpoint && instance && sameEndpoint(endpoint, instance), "and is not a move afterwards").toBe(true);
});

test("an instance of Elasticsearch with another scheme is refused", () => {
  const instance = { id: "es1", node: "n1", host: "h", port: 9200, tags: [], failing: [], modifyIndex: 1 };
  expect(readCatalogue("elasticsearch", [{ ...instance, scheme: "ftp" }]).refusals).toHaveLength(1);
});

type Put = Readonly<Record<string, string>>;

/** From keys below the watched prefix to variables. */
function rendered(put: Put, catalogue: Layer = NO_WISHES) {
  const entries = Object.entries(put).map(([key, value]) => ({
    key: `mastodon/${key}`,
    value: Buffer.from(value),
    modifyIndex: 7,
  }));
  const { node, shared, refusals } = readKv(entries, {
    prefix: "mastodon",
    node: "jail1",
    own: NO_OWN_VARIABLES,
    accepted: [],
  });
  const merged = merge({
    node,
    shared,
    catalogue,
    environment: NO_WISHES,
    machine: NO_WISHES,
    live: NO_WISHES,
  });
  return {
    merged,
    refusals: refusals.map(({ complaint }) => `${complaint.where}: ${complaint.what}. ${complaint.cure}`),
    variables: new Map([...deriveVariables(merged, new Map())].map(([name, value]) => [name, reveal(value)])),
  };
}
