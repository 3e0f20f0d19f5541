import { expect, test } from "vitest";
import { Attempt } from "../../src/agent/attempt.ts";
import { dueAt, type Pending, retryDelayMs } from "../../src/agent/schedule.ts";

const pace = { settleMinMs: 250, settleMaxMs: 2000, minIntervalMs: 30_000 };
const pending: Pending = {
  firstSeenMs: 10_000,
  lastChangedMs: 10_000,
  isUrgent: false,
  isFirst: false,
  lastReloadMs: undefined,
  retryAtMs: undefined,
};

test("a routine change is due when nothing changed for the minimum", () => {
  expect(dueAt({ ...pending, lastChangedMs: 10_100 }, pace)).toEqual({ atMs: 10_350, after: "settle" });
});

test("an endless burst is due at the maximum after its first change", () => {
  expect(dueAt({ ...pending, lastChangedMs: 11_990 }, pace)).toEqual({ atMs: 12_000, after: "settle" });
});

test("a routine change keeps its interval from the last reload", () => {
  expect(dueAt({ ...pending, lastReloadMs: 9_000 }, pace)).toEqual({ atMs: 39_000, after: "interval" });
});

test("an urgent change waits neither for the burst nor for the interval", () => {
  expect(dueAt({ ...pending, lastChangedMs: 10_100, lastReloadMs: 9_000, isUrgent: true }, pace)).toEqual({
    atMs: 10_000,
    after: "settle",
  });
});

test("the first apply after the start does not settle", () => {
  expect(dueAt({ ...pending, isFirst: true }, pace)).toEqual({ atMs: 10_000, after: "settle" });
});

test("even a failed urgent change is not retried before its time", () => {
  expect(dueAt({ ...pending, isUrgent: true, retryAtMs: 14_000 }, pace)).toEqual({
    atMs: 14_000,
    after: "retry",
  });
});

test("retries after one second, then after twice as long each time, up to five minutes", () => {
  expect([1, 2, 3, 20].map(retryDelayMs)).toEqual([1000, 2000, 4000, 300_000]);
});

test("a new desired state starts without the failures of the old one, and settles again", () => {
  const attempt = new Attempt();
  const now = { isUrgent: false, isFirst: false, lastReloadMs: undefined };
  attempt.see("one", 1000, 0);
  attempt.failed(1500);
  expect(attempt.dueAt(now, pace)).toEqual({ atMs: 2500, after: "retry" });
  attempt.see("two", 1600, 0);
  expect(attempt.dueAt(now, pace)).toEqual({ atMs: 1850, after: "settle" });
});
