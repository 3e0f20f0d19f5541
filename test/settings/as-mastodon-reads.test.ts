import { expect, test } from "vitest";
import { reveal } from "../../src/base/secret.ts";
import { quote } from "../../src/render/dotenv.ts";
import { parseAsRuby } from "../../src/render/ruby-dotenv.ts";
import { deriveVariables } from "../../src/settings/derive.ts";
import { merge } from "../../src/settings/merge.ts";
import { type Layer, NO_WISHES } from "../../src/settings/wish.ts";
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
    "links to media are http where somebody says so, and the storage is not",
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
];

test.each(REFUSED)("refuses %s", (_, key, value, reason) => {
  const { refusals } = rendered({ [key]: value });
  expect(refusals).toHaveLength(1);
  expect(refusals[0]).toMatch(reason);
});

type Put = Readonly<Record<string, string>>;

/** From keys below the watched prefix to variables. */
function rendered(put: Put, catalogue: Layer = NO_WISHES) {
  const entries = Object.entries(put).map(([key, value]) => ({
    key: `mastodon/${key}`,
    value: Buffer.from(value),
    modifyIndex: 7,
  }));
  const { node, shared, refusals } = readKv(entries, { prefix: "mastodon", node: "jail1", accepted: [] });
  const merged = merge({ node, shared, catalogue, environment: NO_WISHES, machine: NO_WISHES });
  return {
    merged,
    refusals: refusals.map(({ complaint }) => `${complaint.where}: ${complaint.what}. ${complaint.cure}`),
    variables: new Map([...deriveVariables(merged, new Map())].map(([name, value]) => [name, reveal(value)])),
  };
}
