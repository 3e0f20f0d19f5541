import { expect, test } from "vitest";
import { type Catalogue, choose, type Verdict, whyNot, worstCheck } from "../../src/settings/choose.ts";
import { type Instance, labelOf } from "../../src/settings/instance.ts";
import { LEADER_UNASKED, type Leader, NO_LEADER } from "../../src/settings/leader.ts";

const CRITICAL = { name: "alive", status: "critical", output: "" };
const WARNING = { name: "memory", status: "warning", output: "" };
const pg1 = instance("pg1");
const pg2 = instance("pg2");
const inUse = { host: "10.0.0.1", port: 5432, level: "catalogue" } as const;

test("has nothing to choose when nothing is registered or in use", () => {
  expect(look({ instances: [] })).toMatchObject({ kind: "none", reason: "no instance is registered" });
});

test("keeps the endpoint in use while Consul has not been asked yet, which is not the same as nothing registered", () => {
  const unasked = { kind: "unasked", endpoint: inUse };
  expect(look({ instances: undefined, current: inUse })).toEqual(unasked);
  expect(look({ instances: [pg2], leader: LEADER_UNASKED, current: inUse })).toEqual(unasked);
  expect(look({ instances: undefined })).toMatchObject({ kind: "none" });
  const fromEnvironment = { ...inUse, level: "environment" } as const;
  expect(look({ instances: undefined, current: fromEnvironment, hasFallback: true })).toMatchObject({
    kind: "none",
  });
});

test("takes the passing instance with the lowest service ID", () => {
  expect(look({ instances: [pg2, pg1] })).toMatchObject({ kind: "move", instance: pg1, urgent: false });
  expect(look({ instances: [pg2, { ...pg1, failing: [CRITICAL] }] })).toMatchObject({
    kind: "move",
    instance: pg2,
  });
});

test.each(["primary", "master"])("takes only those that carry the %s tag when any instance does", (tag) => {
  const tagged = { ...pg2, tags: [tag] };
  expect(look({ instances: [pg1, tagged] })).toMatchObject({ kind: "move", instance: tagged });
});

const warned = (one: Instance): Instance => ({ ...one, failing: [WARNING] });
const dead = (one: Instance): Instance => ({ ...one, failing: [CRITICAL, WARNING] });
const primary = (one: Instance): Instance => ({ ...one, tags: ["primary"] });
const verdictOf = (good: string, bad = "") => {
  const verdicts = new Map<string, Verdict>([
    [bad, "bad"],
    [good, "good"],
  ]);
  return ({ host }: { host: string }) => verdicts.get(host);
};
const warnings: readonly [string, Partial<Catalogue>, object][] = [
  ["stays in use beside one that is passing", { instances: [warned(pg1), pg2], current: inUse }, keep(pg1)],
  ["stays in use as the last one", { instances: [warned(pg1)], current: inUse }, keep(pg1)],
  [
    "stays in use if only it has the role",
    { instances: [warned(primary(pg1)), pg2], current: inUse },
    keep(pg1),
  ],
  ["is taken if there is no other", { instances: [warned(pg1)] }, move(pg1, false)],
  ["is taken if it alone has the role", { instances: [pg1, warned(primary(pg2))] }, move(pg2, false)],
  ["comes after one that is passing", { instances: [warned(pg1), pg2] }, move(pg2, false)],
  [
    "comes after one that no probe has seen yet",
    { instances: [warned(pg1), pg2], verdictOf: verdictOf(pg1.host) },
    move(pg2, false),
  ],
  [
    "comes before one that the probe finds bad",
    { instances: [pg1, warned(pg2)], verdictOf: verdictOf(pg2.host, pg1.host) },
    move(pg2, false),
  ],
  ["takes over from a dead one", { instances: [dead(pg1), warned(pg2)], current: inUse }, move(pg2, true)],
  [
    "takes over from a dead one only if none is passing",
    { instances: [dead(pg1), warned(pg2), instance("pg3")], current: inUse },
    move(instance("pg3"), true),
  ],
  [
    "counts as alive where it was demoted, so its successor dwells",
    {
      instances: [warned(pg1), primary(pg2)],
      current: inUse,
      left: [{ host: pg2.host, port: 5432, atMs: 95_000 }],
    },
    { kind: "dwell", instance: { id: "pg2" } },
  ],
];

test.each(warnings)("an instance with a warning %s", (_, catalogue, choice) => {
  expect(look(catalogue)).toMatchObject(choice);
});

test("an instance whose check has a status that Consul does not know is not a candidate", () => {
  const odd = { ...pg1, failing: [{ ...CRITICAL, status: "" }] };
  expect(look({ instances: [odd] })).toMatchObject({ kind: "none" });
});

test("has no candidate while the only instance with the role tag is critical", () => {
  const instances = [
    { ...pg1, tags: ["primary"], failing: [CRITICAL] },
    { ...pg2, tags: ["replica"] },
  ];
  expect(look({ instances, current: inUse })).toMatchObject({ kind: "hold", endpoint: inUse });
});

test("has no candidate while the only instance with the role tag is unusable", () => {
  const instances = [
    { ...pg1, tags: ["primary"], port: 0, fault: "its port is none" },
    { ...pg2, tags: ["replica"] },
  ];
  expect(look({ instances })).toMatchObject({ kind: "none" });
  expect(look({ instances, current: inUse })).toMatchObject({ kind: "hold", endpoint: inUse });
  expect(whyNot(instances[0] ?? pg1, instances, NO_LEADER)).toBe("its port is none");
});

test("keeps the endpoint in use while it is a candidate, whatever else appears", () => {
  expect(look({ instances: [instance("pg0", 9), pg1], current: inUse })).toMatchObject({
    kind: "keep",
    instance: pg1,
  });
});

test("keeps the endpoint in use when the last instance turns critical or disappears", () => {
  expect(look({ instances: [{ ...pg1, failing: [CRITICAL] }], current: inUse })).toMatchObject({
    kind: "hold",
    endpoint: inUse,
  });
  expect(look({ instances: [], current: inUse })).toMatchObject({ kind: "hold", endpoint: inUse });
});

test("moves urgently when the endpoint in use is dead", () => {
  expect(look({ instances: [{ ...pg1, failing: [CRITICAL] }, pg2], current: inUse })).toMatchObject({
    kind: "move",
    instance: pg2,
    urgent: true,
  });
});

test("moves urgently when the endpoint in use was demoted but is alive", () => {
  const instances = [
    { ...pg1, tags: ["replica"] },
    { ...pg2, tags: ["primary"] },
  ];
  expect(look({ instances, current: inUse })).toMatchObject({
    kind: "move",
    instance: { id: "pg2" },
    urgent: true,
  });
});

test("moves from the environment's endpoint to the catalogue's as a routine change", () => {
  const current = { host: "db.example.org", port: 5432, level: "environment" } as const;
  expect(look({ instances: [pg1], current })).toMatchObject({ kind: "move", urgent: false });
});

test("leaves the decision to the environment if that was in use and there is no candidate", () => {
  const current = { host: "db.example.org", port: 5432, level: "environment" } as const;
  expect(look({ instances: [], current, hasFallback: true })).toMatchObject({ kind: "none" });
});

test("keeps the endpoint an operator had put when its key is deleted and no other source has one", () => {
  const current = { host: "db.example.org", port: 5432, level: "shared" } as const;
  expect(look({ instances: [], current })).toMatchObject({ kind: "hold", endpoint: current });
});

const demoted = [
  { ...pg2, tags: ["replica"] },
  { ...pg1, tags: ["primary"] },
];
const onPg2 = { host: "10.0.0.2", port: 5432, level: "catalogue" } as const;
const left = [{ host: "10.0.0.1", port: 5432, atMs: 95_000 }];

test("returns to a recently left endpoint only after it was stable for the dwell time", () => {
  const candidateSince = new Map([["10.0.0.1 5432", 99_000]]);
  const returning = { instances: demoted, current: onPg2, left, candidateSince };
  expect(look({ ...returning, nowMs: 100_000 })).toMatchObject({
    kind: "dwell",
    endpoint: onPg2,
    untilMs: 129_000,
  });
  expect(look({ ...returning, nowMs: 129_000 })).toMatchObject({ kind: "move", instance: { id: "pg1" } });
});

test("does not dwell when the endpoint in use is dead", () => {
  const instances = [{ ...pg2, failing: [CRITICAL] }, pg1];
  expect(look({ instances, current: onPg2, left })).toMatchObject({
    kind: "move",
    instance: { id: "pg1" },
    urgent: true,
  });
});

test("does not dwell for an endpoint left long ago", () => {
  expect(look({ instances: demoted, current: onPg2, left, nowMs: 95_000 + 20 * 30_000 + 1 })).toMatchObject({
    kind: "move",
  });
});

test("prefers a candidate that need not dwell to one that must", () => {
  const instances = [...demoted, { ...instance("pg3", 3), tags: ["primary"] }];
  expect(look({ instances, current: onPg2, left })).toMatchObject({ kind: "move", instance: { id: "pg3" } });
});

const leader: Leader = {
  kind: "member",
  scope: "postgresql",
  name: "pg2",
  endpoint: { host: "10.0.0.2", port: 5432 },
  modifyIndex: 9,
};

test("follows Patroni's leader even while its check and its tag still lag", () => {
  const instances = [
    { ...pg1, id: "postgresql/pg1", tags: ["primary"] },
    { ...pg2, id: "postgresql/pg2", tags: ["replica"], failing: [CRITICAL] },
  ];
  expect(look({ instances, leader, current: inUse })).toMatchObject({
    kind: "move",
    instance: { id: "postgresql/pg2" },
    urgent: true,
  });
});

test("finds a leader that is not in the catalogue by its own address, and prefers the catalogue's", () => {
  expect(look({ instances: [], leader, current: inUse })).toMatchObject({
    kind: "move",
    instance: { host: "10.0.0.2" },
  });
  const instances = [{ ...pg2, id: "postgresql/pg2", host: "db2.example.org" }];
  expect(look({ instances, leader, current: inUse })).toMatchObject({
    kind: "move",
    instance: { host: "db2.example.org" },
  });
});

test("holds while an election runs, and while the leader has no known address", () => {
  expect(look({ instances: [pg2], leader: { kind: "election" }, current: inUse })).toMatchObject({
    kind: "hold",
    reason: "an election is running",
  });
  expect(
    look({ instances: [pg2], leader: { ...leader, endpoint: undefined }, current: inUse }),
  ).toMatchObject({ kind: "hold" });
});

test("keeps the endpoint in use if it is the leader, whatever its check says", () => {
  expect(look({ instances: [{ ...pg1, failing: [CRITICAL] }], leader, current: onPg2 })).toMatchObject({
    kind: "keep",
  });
});

test("needs no dwell to return to a leader: the one it left cannot be written to", () => {
  expect(
    look({ instances: demoted, leader: { ...leader, name: "pg1", endpoint: pg1 }, current: onPg2, left }),
  ).toMatchObject({ kind: "move", instance: { host: "10.0.0.1" } });
});

test("takes the candidate that the probe finds good, then the lowest service ID", () => {
  const verdictOf = (endpoint: { host: string }) => (endpoint.host === "10.0.0.2" ? "good" : "bad");
  expect(look({ instances: [pg1, pg2, instance("pg3", 3)], verdictOf })).toMatchObject({
    kind: "move",
    instance: pg2,
    others: [{ id: "pg1" }, { id: "pg3" }],
  });
  expect(look({ instances: [pg2, pg1] })).toMatchObject({ kind: "move", instance: pg1 });
});

test("leaves an untagged endpoint that the probe finds demoted, once the probe finds another one good", () => {
  const good = (host: string) => (endpoint: { host: string }) => (endpoint.host === host ? "good" : "bad");
  expect(look({ instances: [pg1, pg2], current: inUse, verdictOf: good("10.0.0.2") })).toMatchObject({
    kind: "move",
    instance: pg2,
    urgent: true,
  });
  expect(look({ instances: [pg1, pg2], current: inUse, verdictOf: () => "bad" })).toMatchObject({
    kind: "keep",
    instance: pg1,
  });
});

function keep({ id }: Instance) {
  return { kind: "keep", instance: { id } };
}

function move({ id }: Instance, urgent: boolean) {
  return { kind: "move", instance: { id }, urgent };
}

function look(catalogue: Partial<Catalogue>) {
  return choose({
    instances: [],
    leader: NO_LEADER,
    verdictOf: () => undefined,
    current: undefined,
    hasFallback: false,
    left: [],
    candidateSince: new Map(),
    dwellMs: 30_000,
    nowMs: 100_000,
    ...catalogue,
  });
}

function instance(id: string, last = Number(id.slice(2))): Instance {
  return { id, node: "n", host: `10.0.0.${last}`, port: 5432, tags: [], failing: [], modifyIndex: 1 };
}

test.each([
  ["a check without words", [CRITICAL], 'check "alive" is critical'],
  ["what it printed", [{ ...CRITICAL, output: "refused" }], 'check "alive" is critical: refused'],
  [
    "the first of several",
    [
      { ...CRITICAL, output: "refused" },
      { ...CRITICAL, name: "disk", status: "warning" },
    ],
    'check "alive" is critical (and 1 more): refused',
  ],
  ["no control characters", [{ ...CRITICAL, output: "a\x1b[2Jb" }], 'check "alive" is critical: a\\x1b[2Jb'],
  [
    "no more than 200 characters",
    [{ ...CRITICAL, output: "a".repeat(999) }],
    `check "alive" is critical: ${"a".repeat(199)}…`,
  ],
])("an instance that is not passing is not a candidate, and the reason has %s", (_, failing, reason) => {
  expect(whyNot({ ...pg1, failing }, [pg1], NO_LEADER)).toBe(reason);
});

test("an instance with a warning is a candidate, and the warning is shown", () => {
  const failing = [{ ...WARNING, output: "91 % in use" }];
  expect(whyNot({ ...pg1, failing }, [pg1], NO_LEADER)).toBeUndefined();
  expect(worstCheck({ ...pg1, failing })).toBe('check "memory" is warning: 91 % in use');
});

test("an instance has its node in its name only if another node uses the same service ID", () => {
  const twin = { ...pg1, node: "m" };
  expect([pg1, twin, pg2].map((one) => labelOf(one, [pg1, twin, pg2]))).toEqual([
    "pg1 on node n",
    "pg1 on node m",
    "pg2",
  ]);
});
