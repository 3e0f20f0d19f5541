import * as z from "zod";

const MS_PER_UNIT = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** A duration as operators write it (`250ms`, `30s`, `5m`, `1h`), as milliseconds; undefined if it is none. */
export function parseDurationMs(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const unitMs = MS_PER_UNIT.get(unit ?? "");
  return unitMs === undefined ? undefined : Number(amount) * unitMs;
}

/** A duration in the configuration file; the parsed value is in milliseconds. */
export const duration = z
  .string()
  .regex(DURATION, 'must be a duration such as "250ms", "30s" or "5m"')
  .transform((text) => parseDurationMs(text) ?? 0);
