import { expect, test } from "vitest";
import { type Leader, leaderRefusals, NO_LEADER, nextLeader } from "../../src/settings/leader.ts";

const refusal = { name: "DBHOST", complaint: { where: "here", what: "no address", cure: "Correct it." } };
const leader = {
  kind: "member",
  scope: "postgresql",
  name: "pg1",
  endpoint: undefined,
  refusal,
  modifyIndex: 9,
} as const satisfies Leader;
const registered = {
  ...leader,
  id: "postgresql/pg1",
  node: "n",
  host: "10.0.0.1",
  port: 5432,
  tags: [],
  failing: [],
};

test("a leader's refused address is reported only while the catalogue has no other", () => {
  expect(leaderRefusals(leader, [])).toEqual([refusal]);
  expect(leaderRefusals(leader, [registered])).toEqual([]);
  expect(leaderRefusals({ kind: "election" }, [])).toEqual([]);
});

test("a leader key that was seen and has vanished is an election for as long as it is missing", () => {
  const election = nextLeader(leader, NO_LEADER);
  expect(election).toEqual({ kind: "election" });
  expect(nextLeader(election, NO_LEADER)).toEqual({ kind: "election" });
  expect(nextLeader(election, leader)).toBe(leader);
});

test("a scope without any leader key ever seen is not Patroni", () => {
  expect(nextLeader(undefined, NO_LEADER)).toBe(NO_LEADER);
  expect(nextLeader(NO_LEADER, NO_LEADER)).toBe(NO_LEADER);
});
