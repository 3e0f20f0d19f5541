/** The time axis of the timeline: used by the server for the first drawing and by the page for all others. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const TICKS = 6;

/** @type {readonly number[]} */
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14, 30, 90, 180, 365].map((n) => n * DAY_MS),
];

/**
 * Where a moment lies between two others, in per cent.
 *
 * @param {number} atMs
 * @param {{ readonly fromMs: number, readonly toMs: number }} range
 * @returns {number}
 */
export function placeOf(atMs, { fromMs, toMs }) {
  return Math.round(((atMs - fromMs) / (toMs - fromMs)) * 10_000) / 100;
}

/**
 * A handful of round moments in a range, in UTC.
 *
 * @param {{ readonly fromMs: number, readonly toMs: number }} range
 * @param {number} most how many there may be
 * @returns {readonly { readonly atMs: number, readonly label: string }[]}
 */
export function ticksIn({ fromMs, toMs }, most = TICKS) {
  const stepMs = STEPS_MS.find((step) => (toMs - fromMs) / step <= most) ?? 1000 * DAY_MS;
  const firstMs = Math.ceil(fromMs / stepMs) * stepMs;
  const length = Math.max(0, Math.floor((toMs - firstMs) / stepMs) + 1);
  return Array.from({ length }, (_, position) => firstMs + position * stepMs).map((atMs) => ({
    atMs,
    label: labelOf(atMs, stepMs),
  }));
}

/**
 * @param {number} atMs
 * @param {number} stepMs
 */
function labelOf(atMs, stepMs) {
  const iso = new Date(atMs).toISOString();
  if (stepMs >= DAY_MS || atMs % DAY_MS === 0) return iso.slice(5, 10);
  return stepMs >= MINUTE_MS ? iso.slice(11, 16) : iso.slice(11, 19);
}
