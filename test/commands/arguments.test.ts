import { afterEach, expect, test, vi } from "vitest";
import { moment } from "../../src/commands/arguments.ts";

afterEach(() => void vi.unstubAllEnvs());

test.each([
  ["2026-11-29", "2026-11-29T05:00:00.000Z"],
  ["2026-11-29T09:00", "2026-11-29T14:00:00.000Z"],
  ["2026-11-29 09:00:30", "2026-11-29T14:00:30.000Z"],
  ["2026-11-29T09:00Z", "2026-11-29T09:00:00.000Z"],
])("a date and a time without a zone are local, as they are shown: %s", (text, utc) => {
  vi.stubEnv("TZ", "America/New_York");
  expect(moment(text).toISOString()).toBe(utc);
});

test.each(["2026-13-01", "yesterday", "5", "2026-11"])("%s is not a point in time", (text) => {
  expect(() => moment(text)).toThrow("Expected 90s, 30m, 2h, 7d or");
});
