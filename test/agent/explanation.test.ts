import { expect, test } from "vitest";
import type { Pending } from "../../src/agent/connections.ts";
import { explanations, type Known, unset } from "../../src/agent/explanation.ts";
import { NO_MEMORY } from "../../src/agent/memory.ts";
import { digest } from "../../src/base/digest.ts";
import { reveal, Secret } from "../../src/base/secret.ts";
import type { Waiting } from "../../src/report/waiting.ts";
import type { Merged, Ranked } from "../../src/settings/merge.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import { isSettingName, type SettingName } from "../../src/settings/schema.ts";

const AT = "2026-01-02T03:04:05.000Z";
const HOLD: Waiting = { kind: "hold", keys: ["mastodon/control/hold"], reason: "wait" };
const TURN: Waiting = { kind: "turn", key: "lock", holder: "node2", since: AT };
const RETRY: Waiting = { kind: "retry", until: AT, reason: "full" };
const PENDING: Pending = {
  dependency: "postgres",
  wanted: { host: "db2", port: 5432 },
  inUse: "db1:5432",
  reason: "wants another password",
  cure: undefined,
};
const PROBE: Waiting = {
  kind: "probe",
  dependency: "postgres",
  host: "db2",
  port: 5432,
  reason: "wants another password",
};

/** What is in force, asked for, and let through by the probes, of DBHOST and of MAILHOST. */
interface Row {
  readonly title: string;
  readonly waiting?: Waiting;
  readonly pending?: Pending;
  /** In force; asked for; to be rendered, where that is something else. */
  readonly database: readonly [string | undefined, string | undefined, string?];
  readonly mail: readonly [string | undefined, string | undefined];
  readonly waits: readonly [database: Waiting | null, mail: Waiting | null];
}

const rows: readonly Row[] = [
  { title: "nothing differs", database: ["db1", "db1"], mail: ["m1", "m1"], waits: [null, null] },
  {
    title: "nothing differs under a hold",
    waiting: HOLD,
    database: ["db1", "db1"],
    mail: ["m1", "m1"],
    waits: [null, null],
  },
  {
    title: "one differs under a hold",
    waiting: HOLD,
    database: ["db1", "db1"],
    mail: ["m1", "m2"],
    waits: [null, HOLD],
  },
  {
    title: "both wait for the turn",
    waiting: TURN,
    database: ["db1", "db2"],
    mail: ["m1", "m2"],
    waits: [TURN, TURN],
  },
  {
    title: "a probe keeps one out, the other waits for a retry",
    waiting: RETRY,
    pending: PENDING,
    database: ["db1", "db2", "db1"],
    mail: ["m1", "m2"],
    waits: [PROBE, RETRY],
  },
  {
    title: "a probe keeps one out, and a hold both",
    waiting: HOLD,
    pending: PENDING,
    database: ["db1", "db2", "db1"],
    mail: ["m1", "m2"],
    waits: [HOLD, HOLD],
  },
  {
    title: "only a probe keeps one out",
    pending: PENDING,
    database: ["db1", "db2", "db1"],
    mail: ["m1", "m1"],
    waits: [PROBE, null],
  },
  {
    title: "another part of the connection is at fault",
    pending: PENDING,
    database: ["db1", "db1"],
    mail: ["m1", "m1"],
    waits: [null, null],
  },
  {
    title: "nothing is in force yet",
    waiting: { kind: "start" },
    database: [undefined, "db1"],
    mail: [undefined, "m1"],
    waits: [{ kind: "start" }, { kind: "start" }],
  },
  {
    title: "what is in force is no longer asked for",
    waiting: TURN,
    database: ["db1", "db1"],
    mail: ["m1", undefined],
    waits: [null, TURN],
  },
  {
    title: "the loop has not got to it yet",
    database: ["db1", "db1"],
    mail: ["m1", "m2"],
    waits: [null, { kind: "round" }],
  },
];

test.each(rows)("$title", ({ waiting, pending, database, mail, waits }) => {
  const [dbInForce, dbAsked, dbTaken = dbAsked] = database;
  const [mailInForce, mailAsked] = mail;
  const found = explain({
    asked: { DBHOST: dbAsked, MAILHOST: mailAsked },
    merged: { DBHOST: dbTaken, MAILHOST: mailAsked },
    inForce: { DBHOST: dbInForce, MAILHOST: mailInForce },
    waiting,
    pending,
  });
  expect(["DBHOST", "MAILHOST"].map((name) => found.get(name)?.waiting ?? null)).toEqual(waits);
  expect(found.get("DBHOST")?.in_force?.value).toBe(dbInForce);
  expect(found.get("MAILHOST")?.in_force?.value).toBe(mailInForce);
  const isTold = pending !== undefined && found.get("DBHOST")?.waiting?.kind !== "probe";
  expect(found.get("DBHOST")?.refused).toEqual(
    isTold ? [expect.stringContaining("db2:5432 is not used")] : [],
  );
  expect(found.get("MAILHOST")?.refused).toEqual([]);
});

test("each source is shown once, in the order of precedence, whatever is in force", () => {
  const ranked: Ranked = [
    { level: "shared", value: "db2", where: "mastodon/settings/DBHOST", index: 7 },
    { level: "environment", value: "db1", where: "DBHOST" },
  ];
  const found = explanations({
    evaluation: {
      own: NO_OWN_VARIABLES,
      asked: { settings: new Map([["DBHOST", ranked]]), variables: new Map(), missing: [] },
      merged: merged({ DBHOST: "db1" }),
      pending: [PENDING],
      refusals: [],
    },
    memory: { ...NO_MEMORY, since: { DBHOST: known("db1") } },
    waiting: undefined,
  });
  expect(found[0]?.values).toEqual([
    { level: "shared", value: "db2", where: "mastodon/settings/DBHOST", index: 7 },
    { level: "environment", value: "db1", where: "DBHOST", index: null },
  ]);
});

test("of a secret it is seen that another one is asked for, and neither of them", () => {
  const [setting] = explain({
    asked: { DBPASS: new Secret("new-secret") },
    inForce: { DBPASS: new Secret("old-secret") },
    waiting: HOLD,
  }).values();
  expect(setting).toMatchObject({
    in_force: { value: "[redacted]" },
    values: [{ value: "[redacted]" }],
    waiting: HOLD,
  });
  expect(JSON.stringify(setting)).not.toMatch(/new-secret|old-secret/);
});

test("before the first apply, what a live file connects to is in force", () => {
  const live = { value: "old-secret", level: "environment", where: "/srv/.env.production" } as const;
  const memory = { ...NO_MEMORY, targets: { postgres: { DBPASS: live, DBHOST: { ...live, value: "db1" } } } };
  const found = explanations({
    evaluation: {
      own: NO_OWN_VARIABLES,
      asked: merged({ DBHOST: "db1" }),
      merged: merged({ DBHOST: "db1" }),
      pending: [],
      refusals: [],
    },
    memory,
    waiting: { kind: "start" },
  });
  expect(found.find(({ name }) => name === "DBHOST")).toMatchObject({
    in_force: { value: "db1", where: "/srv/.env.production" },
    since: null,
    waiting: null,
  });
});

test("a refused variable is shown at the setting that feeds it", () => {
  const refusal = { name: "DB_HOST", complaint: { where: "mastodon/env/DB_HOST", what: "no", cure: "Yes." } };
  const found = explain({ asked: { DBHOST: "db1", MAILHOST: "m1" }, refusals: [refusal] });
  expect(found.get("DBHOST")?.refused).toEqual(["mastodon/env/DB_HOST: no. Yes."]);
  expect(found.get("MAILHOST")?.refused).toEqual([]);
});

test("what no source knows has no value, and still its readers", () => {
  expect(unset("DBHOST", NO_OWN_VARIABLES)).toMatchObject({
    in_force: null,
    waiting: null,
    feeds: ["DB_HOST"],
    values: [],
  });
});

type Values = Readonly<Record<string, string | Secret | undefined>>;

interface Facts {
  readonly asked: Values;
  readonly merged?: Values;
  readonly inForce?: Values;
  readonly waiting?: Waiting | undefined;
  readonly pending?: Pending | undefined;
  readonly refusals?: Known["evaluation"]["refusals"];
}

function explain({ asked, merged: taken = asked, inForce = {}, waiting, pending, refusals = [] }: Facts) {
  const since = Object.entries(inForce).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, known(value)]],
  );
  const found = explanations({
    evaluation: {
      own: NO_OWN_VARIABLES,
      asked: merged(asked),
      merged: merged(taken),
      pending: pending === undefined ? [] : [pending],
      refusals,
    },
    memory: { ...NO_MEMORY, since: Object.fromEntries(since) },
    waiting,
  });
  return new Map(found.map((setting) => [setting.name, setting]));
}

function known(value: string | Secret) {
  const from = { level: "environment", where: "somewhere" } as const;
  return { digest: digest(reveal(value)), at: AT, shown: String(value), from };
}

function merged(values: Values): Merged {
  const settings = new Map<SettingName, Ranked>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && isSettingName(name))
      settings.set(name, [{ level: "environment", value, where: name }]);
  }
  return { settings, variables: new Map(), missing: [] };
}
