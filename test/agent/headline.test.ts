import { expect, test } from "vitest";
import { evaluate } from "../../src/agent/evaluate.ts";
import { type HeadlineFacts, headlineOf } from "../../src/agent/headline.ts";
import { NO_MEMORY } from "../../src/agent/memory.ts";
import type { ProblemCode } from "../../src/report/problem-codes.ts";
import { inputsOf, RULES } from "./inputs.ts";

const AT = "2026-01-02T03:04:05.000Z";
const SINCE = "2026-01-02T04:00:00.000Z";

const evaluation = evaluate(RULES, inputsOf({}, NO_MEMORY));
const digest = evaluation.desired?.digest ?? "";

const JOINED = { connected: true, joined: true, members: 3, awaySince: undefined, problems: [] };
const AWAY = {
  ...JOINED,
  connected: false,
  joined: false,
  awaySince: SINCE,
  problems: [problem("consul_unreachable", "local Consul client")],
};
const CUT_OFF = { join: AWAY, problems: [problem("consul_unreachable", "local Consul client")] };
const UNREAD = {
  problems: [problem("watch_failing", "kv mastodon/"), problem("watch_failing", "service s3")],
};

const UNWRITTEN = { problems: [problem("state_not_written", "/mnt/mastodon/agent")] };

const WELL: HeadlineFacts = {
  loop: {
    evaluation,
    hasLooked: true,
    applier: { isApplying: false, isBehind: false, lastFailure: undefined },
    waiting: undefined,
  },
  memory: { ...NO_MEMORY, applied: { digest, at: AT, cause: "first apply" } },
  database: { obstacle: undefined },
  connectionHealth: new Map(),
  join: JOINED,
  problems: [],
};

const FAILING = { healthy: false, reason: "does not answer", since: AT, checkedAt: AT };

const rows: readonly [what: string, facts: Partial<HeadlineFacts>, state: string, ready: boolean][] = [
  ["all is well", {}, "converged", true],
  ["Consul is away for a moment", { join: AWAY }, "converged", true],
  ["Consul is away for longer", CUT_OFF, "disconnected", true],
  ["it was away, and the end is not told yet", { problems: CUT_OFF.problems }, "converged", true],
  [
    "it is away and a connection in use fails",
    { ...CUT_OFF, connectionHealth: new Map([["redis", FAILING]]) },
    "degraded",
    false,
  ],
  [
    "it is away and the files have not been checked yet",
    { ...CUT_OFF, loop: { ...WELL.loop, hasLooked: false } },
    "disconnected",
    false,
  ],
  [
    "it is away and a change waits for its turn",
    { ...CUT_OFF, memory: { ...NO_MEMORY, applied: { digest: "another", at: AT, cause: "" } } },
    "disconnected",
    false,
  ],
  ["a watch cannot be read", UNREAD, "degraded", true],
  ["the state cannot be written", UNWRITTEN, "degraded", true],
  [
    "a watch cannot be read and a change has failed",
    { ...UNREAD, loop: { ...WELL.loop, applier: { isApplying: false, isBehind: false, lastFailure: "no" } } },
    "failed",
    false,
  ],
];

test.each(rows)("the state, and whether it is ready, where %s", (_, facts, state, ready) => {
  expect(headlineOf({ ...WELL, ...facts })).toMatchObject({ state, ready });
});

test("says since when Consul has been away and what Mastodon keeps running with, or which watch it is", () => {
  expect(headlineOf({ ...WELL, ...CUT_OFF }).reason).toBe(
    `Consul has not answered since ${SINCE}; Mastodon keeps running with the last known good of ${AT}`,
  );
  expect(headlineOf({ ...WELL, ...UNREAD }).reason).toBe(
    "cannot be read in Consul: kv mastodon/, service s3; what was last read stays in force",
  );
  expect(headlineOf({ ...WELL, ...UNWRITTEN }).reason).toContain("/mnt/mastodon/agent");
});

function problem(code: ProblemCode, about: string) {
  return { code, about, message: "", since: SINCE };
}
