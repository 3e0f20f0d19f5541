/**
 * Adds to each moment how long ago it was, "(12 s ago)", and keeps that current. The agent's clock counts, not the
 * reader's.
 */

const EVERY_MS = 1000;

export function keepAges() {
  let aheadMs = 0;
  const nowMs = () => Date.now() + aheadMs;
  /** @param {string | undefined} now */
  const set = (now) => {
    if (now !== undefined) aheadMs = Date.parse(now) - Date.now();
  };
  const refresh = () => {
    for (const element of document.querySelectorAll(".moment")) show(element, nowMs());
  };
  set(document.documentElement.dataset["now"]);
  refresh();
  setInterval(refresh, EVERY_MS);
  return { nowMs, set, refresh };
}

/**
 * @param {Element} moment
 * @param {number} nowMs
 */
function show(moment, nowMs) {
  const iso = moment.querySelector("time")?.dateTime ?? "";
  const age = moment.querySelector(".ago");
  const text = ` (${distanceText(nowMs - Date.parse(iso))})`;
  if (age !== null && age.textContent !== text) age.textContent = text;
}

/** @param {number} ms since then; negative if it is still to come */
function distanceText(ms) {
  const length = lengthText(Math.abs(ms));
  if (length === undefined) return "just now";
  return ms < 0 ? `in ${length}` : `${length} ago`;
}

/**
 * @param {number} ms
 * @returns {string | undefined} nothing below a second
 */
function lengthText(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return undefined;
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
