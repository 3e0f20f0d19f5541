import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type Waiting, waitingSchema, waitingText } from "../../src/report/waiting.ts";

const AT = "2026-01-02T03:04:05.000Z";

const table: readonly [waiting: Waiting, text: string][] = [
  [{ kind: "start" }, "is waiting for the agent's first look at Consul, files and units"],
  [
    { kind: "missing", settings: ["DBHOST", "MAILHOST"] },
    "is waiting until some source has DBHOST, MAILHOST",
  ],
  [{ kind: "keys", reason: "no pin" }, "is waiting for the pinned keys: no pin"],
  [
    { kind: "hold", keys: ["mastodon/control/hold"], reason: "ask Kim" },
    'is waiting for the end of the hold "ask Kim": `consul kv delete mastodon/control/hold`',
  ],
  [
    { kind: "unrenderable", reason: "nginx.conf.hbs: no" },
    "is waiting until the configuration can be rendered: nginx.conf.hbs: no",
  ],
  [
    { kind: "rejected", reason: "web is not healthy" },
    "was tried and rolled back, and is not retried until something else is put: web is not healthy",
  ],
  [{ kind: "settle", until: AT }, "is waiting until 03:04:05, in case more is put"],
  [
    { kind: "interval", until: AT },
    "is waiting until 03:04:05, to keep reload.min_interval after the last reload",
  ],
  [{ kind: "retry", until: AT, reason: "disk is full" }, "will be retried at 03:04:05: disk is full"],
  [
    { kind: "turn", key: "k/lock", holder: "node1", since: AT },
    "has been waiting since 03:04:05 for this node's turn to reload; node1 has it (k/lock), for at most 20 s if its agent dies",
  ],
  [
    { kind: "turn", key: "k/lock", holder: null, since: AT },
    "has been waiting since 03:04:05 for this node's turn to reload; nobody has it now (k/lock)",
  ],
  [{ kind: "database" }, "is waiting until Mastodon's database has what the code needs"],
  [
    { kind: "probe", dependency: "postgres", host: "fd00::1", port: 5432, reason: null },
    "is waiting for the first probe of postgres at [fd00::1]:5432",
  ],
  [
    { kind: "probe", dependency: "redis", host: "r", port: 1, reason: "is no master" },
    "is waiting until Mastodon can work with redis at r:1, which is no master",
  ],
  [{ kind: "applying" }, "is being applied"],
  [{ kind: "round" }, "was only just seen"],
  [{ kind: "agent", url: "http://a/status" }, "is waiting for an agent: none answers at http://a/status"],
];

test.each(table)("%j: it %s", (waiting, text) => {
  expect(waitingText(waiting, (iso) => iso.slice(11, 19))).toBe(text);
  expect(waitingSchema.parse(waiting)).toEqual(waiting);
});

const kinds = waitingSchema.options.map(({ shape }) => shape.kind.value);

test("docs/commands.md has a row for every reason, with all that it carries", async () => {
  const page = await readFile("docs/commands.md", "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  for (const { shape } of waitingSchema.options) {
    const row = rows.find((line) => line.split("|")[1]?.includes(`\`${shape.kind.value}\``));
    expect(row, shape.kind.value).toBeDefined();
    for (const field of Object.keys(shape).filter((name) => name !== "kind"))
      expect(row).toContain(`\`${field}\``);
  }
});

test("every reason has its words here", () => {
  expect(new Set(table.map(([{ kind }]) => kind))).toEqual(new Set(kinds));
});
