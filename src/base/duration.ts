import * as z from "zod";

const MS_PER_UNIT = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);
/** Node's timers take at most 2^31-1 ms, not quite 25 days; a longer one fires at once. */
const MAX_MS = 24 * 24 * 3_600_000;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** A duration as operators write it (`250ms`, `30s`, `5m`, `1h`), as milliseconds; undefined if it is not one. */
export function parseDurationMs(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const unitMs = MS_PER_UNIT.get(unit ?? "");
  return unitMs === undefined ? undefined : Number(amount) * unitMs;
}

/** A duration in the configuration file; the parsed value is in milliseconds. */
export const duration = z
  .string()
  .regex(DURATION, 'must be a duration such as "250ms", "30s" or "5m"')
  .refine((text) => (parseDurationMs(text) ?? 0) <= MAX_MS, "must be at most 24 days (576h)")
  .transform((text) => parseDurationMs(text) ?? 0);
