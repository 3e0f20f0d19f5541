/** Values of flags, as typed. What is not understood is a usage error. */
import { InvalidArgumentError } from "commander";

/**
 * ISO 8601 (local if it has no zone, midnight if it has no time of day), or how long ago: `90s`, `30m`, `2h`, `7d`.
 * @throws InvalidArgumentError
 */
export function moment(text: string): Date {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return new Date(Date.now() - Number(amount) * (MS_PER_UNIT.get(unit) ?? 0));
  // JavaScript reads a bare date as UTC, and one with a time of day as local.
  const date = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("Expected 90s, 30m, 2h, 7d or a time such as 2026-11-24T09:00.");
}

/** @throws InvalidArgumentError */
export function positive(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number of at least 1.");
}

const MS_PER_UNIT = new Map([
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
