/** Turns moments into ages, "12 s ago", and keeps them true. The agent's clock counts, not the reader's. */

const EVERY_MS = 1000;

export function keepAges() {
  let aheadMs = 0;
  const nowMs = () => Date.now() + aheadMs;
  /** @param {string | undefined} now */
  const set = (now) => {
    if (now !== undefined) aheadMs = Date.parse(now) - Date.now();
  };
  const refresh = () => {
    for (const element of document.querySelectorAll("time.ago")) show(element, nowMs());
  };
  set(document.documentElement.dataset["now"]);
  refresh();
  setInterval(refresh, EVERY_MS);
  return { nowMs, set, refresh };
}

/**
 * @param {Element} element
 * @param {number} nowMs
 */
function show(element, nowMs) {
  const iso = element.getAttribute("datetime") ?? "";
  const age = ageText(Math.max(0, nowMs - Date.parse(iso)));
  if (element.textContent === age) return;
  element.setAttribute("title", `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`);
  element.textContent = age;
}

/** @param {number} ms */
function ageText(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "just now";
  if (seconds < 100) return `${seconds} s ago`;
  if (seconds < 100 * 60) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}
