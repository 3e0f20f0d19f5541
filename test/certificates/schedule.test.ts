import { expect, test } from "vitest";
import { isExpiring, PACE, renewalDueMs, retryDelayMs } from "../../src/certificates/schedule.ts";

const DAY_MS = 24 * 3_600_000;

function lasting(days: number, fingerprint = "ab") {
  return { folder: "/", issuer: "test", fingerprint, notBeforeMs: 0, notAfterMs: days * DAY_MS };
}

test("each node renews at its own time, with a third of the life left or a little more", () => {
  const due = Array.from({ length: 50 }, (_, node) => renewalDueMs(lasting(90), `jail${node}`) / DAY_MS);
  expect(Math.max(...due)).toBeLessThanOrEqual(60);
  expect(Math.min(...due)).toBeGreaterThan(55);
  expect(new Set(due.map(Math.round)).size).toBeGreaterThan(3);
  expect(renewalDueMs(lasting(90), "jail1")).toBe(renewalDueMs(lasting(90), "jail1"));
});

test("a certificate of six days is renewed in time, too", () => {
  expect(renewalDueMs(lasting(6), "jail1") / DAY_MS).toBeGreaterThan(3.5);
  expect(renewalDueMs(lasting(6), "jail1") / DAY_MS).toBeLessThanOrEqual(4);
});

test("a certificate counts as expiring with a sixth of its life left, and never earlier than three weeks before the end", () => {
  expect(isExpiring(lasting(90), 74 * DAY_MS)).toBe(false);
  expect(isExpiring(lasting(90), 76 * DAY_MS)).toBe(true);
  expect(isExpiring(lasting(365), 343 * DAY_MS)).toBe(false);
  expect(isExpiring(lasting(365), 345 * DAY_MS)).toBe(true);
});

test("there are at most five failures in any hour, whatever the jitter", () => {
  for (const random of [0, 1]) {
    let atMs = 0;
    const times = Array.from(
      { length: 8 },
      (_, failures) => (atMs += retryDelayMs(failures + 1, 0, random, PACE)),
    );
    expect([0, ...times].filter((time) => time < 3_600_000).length).toBeLessThanOrEqual(5);
  }
});

test("the wait that the server asks for is never cut short", () => {
  expect(retryDelayMs(1, 7_200_000, 0, PACE)).toBe(7_200_000);
  expect(retryDelayMs(20, 0, 0, PACE)).toBe(PACE.longestMs);
});
