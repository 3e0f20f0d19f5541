import { expect, test } from "vitest";
import type { Finding } from "../../src/agent/finding.ts";
import { withoutSucceeded } from "../../src/agent/lineage.ts";
import { type Lineage, refused } from "../../src/probe/result.ts";
import { makeTarget } from "../../src/settings/targets.ts";

const old = master("10.0.0.1", { id: "a", previousId: undefined });
const promoted = master("10.0.0.2", { id: "b", previousId: "a" });
const replica: Finding = { ...promoted, verdict: refused("not_writable", "is a replica") };
const again = master("10.0.0.1", { id: "c", previousId: "b" });

const table: readonly [string, readonly Finding[], readonly string[]][] = [
  ["the promoted one, whoever was found first", [old, promoted], ["10.0.0.2"]],
  ["the promoted one, whoever was found last", [promoted, old], ["10.0.0.2"]],
  ["the last of three", [old, promoted, master("10.0.0.3", { id: "c", previousId: "b" })], ["10.0.0.3"]],
  ["the first one, once it was promoted again", [again, promoted], ["10.0.0.1"]],
  ["the old one while the other is a replica", [old, replica], ["10.0.0.1"]],
  ["the promoted one alone, whatever it was promoted from", [promoted], ["10.0.0.2"]],
  [
    "both that know nothing of each other",
    [old, master("10.0.0.2", { id: "z", previousId: "y" })],
    ["10.0.0.1", "10.0.0.2"],
  ],
  [
    "both of which neither was ever promoted",
    [old, master("10.0.0.2", { id: "z", previousId: undefined })],
    ["10.0.0.1", "10.0.0.2"],
  ],
  ["one that does not tell its history", [old, master("10.0.0.2", undefined)], ["10.0.0.1", "10.0.0.2"]],
  [
    "one with old and new credentials",
    [old, { ...old, target: targetAt("10.0.0.1", "new") }],
    ["10.0.0.1", "10.0.0.1"],
  ],
];

test.each(table)("of several masters those that may be used are %s", (_, findings, usable) => {
  const judged = withoutSucceeded(findings);
  const good = judged.filter(({ verdict }) => verdict.kind === "writable");
  expect(good.map(({ target }) => target.wishes.get("REDISHOST")?.value)).toEqual(usable);
});

test("the one that was succeeded is refused, and the reason names its successor", () => {
  expect(withoutSucceeded([old, promoted])[0]?.verdict).toEqual({
    kind: "refused",
    code: "not_writable",
    reason: "calls itself a master, but 10.0.0.2:6379 was promoted in its place",
    cure: "If it is to stay the master, make the other one its replica (REPLICAOF).",
  });
});

function master(host: string, lineage: Lineage | undefined): Finding {
  return { target: targetAt(host), verdict: { kind: "writable", ...(lineage && { lineage }) } };
}

function targetAt(host: string, password = "old") {
  const wish = { level: "catalogue", where: "test" } as const;
  const parts = { REDISHOST: host, REDISPORT: "6379", REDISPASS: password };
  return makeTarget(
    "redis",
    new Map(Object.entries(parts).map(([name, value]) => [name, { ...wish, value }])),
  );
}
