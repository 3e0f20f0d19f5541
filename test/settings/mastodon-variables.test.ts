import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import type { Reader } from "../../src/settings/variable.ts";
import { VARIABLES } from "../../src/settings/variables.ts";

const list = z.object({
  tags: z.array(z.string()),
  variables: z.record(
    z.string(),
    z.object({
      readers: z.array(z.enum(["rails", "rails before dotenv", "streaming", "puma", "sidekiq"])),
      since: z.string().optional(),
      removed: z.string().optional(),
    }),
  ),
});

/** Made by `scripts/mastodon-variables.mjs` from Mastodon's sources. */
const { tags, variables } = list.parse(
  JSON.parse(await readFile(path.join(import.meta.dirname, "fixtures", "mastodon-variables.json"), "utf8")),
);

/** Read by Mastodon, and nothing for a table of a site's variables. */
const OUTSIDE: Readonly<Record<string, string>> = {
  BUNDLE_GEMFILE: "Bundler's own",
  RAILS_ENV: "of the start scripts: it decides which file is read",
  NODE_ENV: "of the start scripts: it decides which file is read",
  USER: "the shell's",
  LOCAL_HTTPS: "not looked at in production",
  TEST_ENV_NUMBER: "of Mastodon's tests",
  SECRET_KEY_BASE_DUMMY: "for building assets only",
  SKIP_POST_DEPLOYMENT_MIGRATIONS: "of one command: `database.before` in the configuration",
  VITE_DEV_SERVER_PUBLIC: "for development only",
  WEBPACKER_DEV_SERVER_PUBLIC: "for development only",
};

/** In our table although Mastodon's sources do not name them. */
const READ_ELSEWHERE = [
  // Rails reads it by itself.
  "SECRET_KEY_BASE",
  // 4.3.0 only.
  "REDIS_USERNAME",
  // Ruby's HTTP client.
  ...["https_proxy", "no_proxy"],
];
const OF_THE_TRACES = /^OTEL_/;

const RAILS = ["web", "sidekiq"] as const;
const FILE_READERS = { rails: RAILS, streaming: ["streaming"] } as const;
const PROCESS_READERS = { "rails before dotenv": RAILS, puma: ["web"], sidekiq: ["sidekiq"] } as const;

test("the list was made from every minor version since 4.3", () => {
  expect(tags.map((tag) => tag.split(".")[1])).toEqual(tags.map((_, at) => String(3 + at)));
  expect(tags.length).toBeGreaterThanOrEqual(5);
});

test("the table has every variable that Mastodon reads, or says why not", () => {
  const missing = Object.keys(variables).filter(
    (name) => !VARIABLES.has(name) && OUTSIDE[name] === undefined,
  );
  expect(missing, "give each a row, or a reason in OUTSIDE").toEqual([]);
});

test("the table has no variable that nobody reads", () => {
  const names = [...VARIABLES.keys()].filter((name) => variables[name] === undefined);
  expect(names.filter((name) => !READ_ELSEWHERE.includes(name) && !OF_THE_TRACES.test(name))).toEqual([]);
});

test("the table knows who reads each variable, and in which versions", () => {
  const ours: Record<string, unknown> = {};
  const theirs: Record<string, unknown> = {};
  for (const [name, spec] of VARIABLES) {
    const { readers, since, removed } = variables[name] ?? {};
    // Nobody gets to put these, so nothing is reloaded for them.
    if (readers === undefined || spec.origin.kind === "barred") continue;
    const asRead = (table: Partial<Record<string, readonly Reader[]>>) =>
      readers.flatMap((reader) => table[reader] ?? []);
    theirs[name] = [asRead(FILE_READERS), asRead(PROCESS_READERS), since, removed];
    ours[name] = [spec.readers, spec.processReaders, spec.since, spec.removed];
  }
  expect(ours).toEqual(theirs);
});

test("what gives access is a secret", () => {
  const telling = [...VARIABLES].filter(
    ([name, { type }]) =>
      /PASS|SECRET|TOKEN|(API|ACCESS|PRIVATE|TEMP_URL|CLIENT)_KEY$|OTLP_(.*_)?HEADERS$|_proxy$/.test(name) &&
      !/no_proxy|SECRET_HEADER|TOKEN_ENDPOINT/.test(name) &&
      // A path to a key is none.
      !type.expected.includes("path"),
  );
  expect(telling.length).toBeGreaterThan(20);
  expect(telling.filter(([, { secret }]) => !secret).map(([name]) => name)).toEqual([]);
});

test("no path and no program comes from Consul", () => {
  const telling = [...VARIABLES].filter(([name]) =>
    /((CA|ROOT|CONFIGURE)_PATH|_FILE|_BINARY|CERTIFICATE|CLIENT_KEY|FILENAME)$/.test(name),
  );
  expect(telling.length).toBeGreaterThan(10);
  expect(telling.filter(([, { origin }]) => origin.kind !== "machine").map(([name]) => name)).toEqual([]);
});
