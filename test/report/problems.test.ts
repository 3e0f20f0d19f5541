import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createLog } from "../../src/report/log.ts";
import { type Complaining, type Problem, Problems } from "../../src/report/problems.ts";
import { until } from "../world/until.ts";

const MINUTE_MS = 60_000;

test("a problem whose message changes is the same problem: since, count and log stay", () => {
  const { problems, log, begun, clock } = watched();
  problems.replace("input", [complaint("probe_failed", "redis", "refused 1 time")]);
  const [first] = problems.list();
  clock.nowMs += MINUTE_MS;
  problems.replace("input", [complaint("probe_failed", "redis", "refused 2 times")]);
  expect(problems.list()).toEqual([{ ...first, message: "refused 2 times" }]);
  expect(begun).toHaveLength(1);
  expect(log()).toEqual([["problem", "redis"]]);
});

test("two subjects with the same code are two problems, and each ends by itself", () => {
  const { problems, log } = watched();
  problems.replace("input", [complaint("input_refused", "a"), complaint("input_refused", "b")]);
  problems.replace("input", [complaint("input_refused", "b")]);
  expect(problems.list().map(({ about }) => about)).toEqual(["b"]);
  expect(log()).toEqual([
    ["problem", "a"],
    ["problem", "b"],
    ["problem solved", "a"],
  ]);
});

test("what ends within its grace time was not a problem, and is never reported", () => {
  const { problems, log, begun, clock } = watched();
  problems.replace("consul", [complaint("consul_not_joined", "servers")]);
  clock.nowMs += 4_999;
  problems.replace("consul", []);
  clock.nowMs += MINUTE_MS;
  problems.replace("consul", []);
  expect([problems.list(), begun, log()]).toEqual([[], [], []]);
});

test("what outlasts its grace time becomes a problem without another look, dated from when it was first seen", async () => {
  const { problems, log, clock } = watched();
  problems.replace("consul", [complaint("consul_not_joined", "servers")]);
  const seenAt = new Date().toISOString();
  await using _ = running(problems);
  expect(problems.list()).toEqual([]);
  clock.nowMs += 5_000;
  problems.replace("other", []);
  await until("the problem", () => problems.list().length === 1);
  expect(problems.list()[0]?.since.slice(0, 18)).toBe(seenAt.slice(0, 18));
  expect(log()).toEqual([["problem", "servers"]]);
});

test("a lasting problem is repeated every ten minutes and not more often, however often it is checked", () => {
  const { problems, log, begun, clock } = watched();
  for (let second = 0; second <= 25 * 60; second++) {
    problems.replace("units", [complaint("unit_unhealthy", "web", `look ${second}`)]);
    clock.nowMs += 1000;
  }
  expect(begun).toHaveLength(1);
  expect(log()).toEqual([
    ["problem", "web"],
    ["problem persists", "web"],
    ["problem persists", "web"],
  ]);
});

test("listeners are told when the list changes, and not when only a message does", () => {
  const { problems, changes } = watched();
  problems.replace("input", [complaint("probe_failed", "redis", "one")]);
  problems.replace("input", [complaint("probe_failed", "redis", "two")]);
  expect(changes()).toBe(1);
  problems.replace("input", []);
  problems.replace("input", []);
  expect(changes()).toBe(2);
});

function complaint(code: Complaining["code"], about: string, message = `${about} is wrong`): Complaining {
  return { code, about, message };
}

function watched() {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const clock = { nowMs: 1_000_000 };
  const begun: Problem[] = [];
  let changes = 0;
  const problems = new Problems(createLog("info", sink), {
    onBegin: (problem) => begun.push(problem),
    onChange: () => {
      changes += 1;
    },
    nowMs: () => clock.nowMs,
  });
  const log = () =>
    lines.map((line) => {
      const { msg, about }: { msg: string; about: string } = JSON.parse(line);
      return [msg, about];
    });
  return { problems, log, begun, clock, changes: () => changes };
}

function running(problems: Problems): AsyncDisposable {
  const end = new AbortController();
  const ended = problems.run(end.signal);
  return {
    [Symbol.asyncDispose]: () => {
      end.abort();
      return ended;
    },
  };
}
