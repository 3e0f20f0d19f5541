/** Zooms and moves the timeline: with buttons, keys, and dragging. */
import { placeOf, ticksIn } from "./axis.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST_MS = 10_000;
/** Margin at both ends, as a fraction of the whole. */
const MARGIN = 0.03;
/** How far an arrow key moves, as a fraction of what is visible. */
const STRIDE = 0.25;
/** Unless the reader has chosen another range, it includes the present. */
const FOLLOW_EVERY_MS = 10_000;
/** A label and the space around it. */
const TICK_PIXELS = 90;

/** @typedef {{ readonly fromMs: number, readonly toMs: number }} Range */

/** @param {() => number} nowMs the agent's time */
export function zoomTimeline(nowMs) {
  const section = document.getElementById("timeline");
  const tools = document.getElementById("zoom");
  if (section === null || tools === null) return { refresh: () => {} };
  /**
   * What is visible: this much time, up to an end. Null is everything, and the present.
   *
   * @type {{ spanMs: number | null, endMs: number | null }}
   */
  let view = { spanMs: null, endMs: null };

  /** @returns {Range} */
  const range = () => {
    const toMs = view.endMs ?? nowMs();
    const oldestMs = Math.min(toMs - LEAST_MS, ...timesIn(section));
    const spanMs = view.spanMs ?? toMs - oldestMs;
    const end = view.endMs ?? toMs + spanMs * MARGIN;
    return { fromMs: end - spanMs * (view.spanMs === null ? 1 + 2 * MARGIN : 1), toMs: end };
  };
  const refresh = () => {
    draw(section, range());
    for (const button of tools.querySelectorAll("button[data-span]")) {
      const isPressed = button.getAttribute("data-span") === String(view.spanMs ?? "");
      button.setAttribute("aria-pressed", String(isPressed));
    }
  };
  /** @param {typeof view} next */
  const look = (next) => {
    view = next;
    refresh();
  };
  /** @param {number} factor */
  const zoom = (factor) => {
    const { fromMs, toMs } = range();
    const spanMs = Math.max(LEAST_MS, (toMs - fromMs) * factor);
    const endMs = view.endMs === null ? null : (fromMs + toMs + spanMs) / 2;
    look({ spanMs, endMs });
  };
  /** @param {number} byMs */
  const move = (byMs) => {
    const { fromMs, toMs } = range();
    const endMs = toMs + byMs;
    look({ spanMs: toMs - fromMs, endMs: endMs >= nowMs() ? null : endMs });
  };
  const spanMs = () => range().toMs - range().fromMs;

  tools.removeAttribute("hidden");
  tools.addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    const { span, factor } = target.dataset;
    if (factor !== undefined) zoom(Number(factor));
    else if (span !== undefined) look({ spanMs: span === "" ? null : Number(span), endMs: null });
  });
  section.addEventListener("keydown", (event) => {
    if (!(event.target instanceof HTMLElement) || !event.target.matches(".plot")) return;
    const act = {
      "+": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => look({ spanMs: null, endMs: null }),
      ArrowLeft: () => move(-STRIDE * spanMs()),
      ArrowRight: () => move(STRIDE * spanMs()),
    }[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  onDrag(section, (pixels) => move((-pixels / widthOf(section)) * spanMs()));
  setInterval(() => {
    if (view.endMs === null) refresh();
  }, FOLLOW_EVERY_MS);
  refresh();
  return { refresh };
}

/**
 * A few pixels are still a click: marks are links.
 *
 * @param {HTMLElement} section
 * @param {(pixels: number) => void} onMove
 */
function onDrag(section, onMove) {
  /** @type {number | undefined} */
  let lastX;
  section.addEventListener("pointerdown", ({ target, clientX, button }) => {
    if (button === 0 && target instanceof Element && target.closest(".field")) lastX = clientX;
  });
  section.addEventListener("pointermove", ({ clientX }) => {
    if (lastX === undefined || Math.abs(clientX - lastX) < 4) return;
    onMove(clientX - lastX);
    lastX = clientX;
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (lastX = undefined));
  section.addEventListener("dragstart", (event) => {
    if (event.target instanceof Element && event.target.closest(".field")) event.preventDefault();
  });
}

/** @param {HTMLElement} section */
function widthOf(section) {
  return section.querySelector(".field")?.clientWidth || 1;
}

/** @param {HTMLElement} section */
function timesIn(section) {
  return [...section.querySelectorAll(".mark")].map((mark) => Number(mark.getAttribute("data-at")));
}

/**
 * @param {HTMLElement} section
 * @param {Range} range
 */
function draw(section, range) {
  /** @param {Element} element */
  const isSeen = (element) => {
    const atMs = Number(element.getAttribute("data-at"));
    return atMs >= range.fromMs && atMs <= range.toMs;
  };
  for (const mark of section.querySelectorAll(".mark")) {
    mark.setAttribute("x", `${placeOf(Number(mark.getAttribute("data-at")), range)}%`);
    mark.classList.toggle("outside", !isSeen(mark));
  }
  const entries = [...section.querySelectorAll(".changes > li")];
  for (const entry of entries) entry.toggleAttribute("hidden", !isSeen(entry));
  section.querySelector(".nothing")?.toggleAttribute("hidden", entries.some(isSeen));
  const ticks = section.querySelector(".ticks");
  const most = Math.max(1, Math.floor(widthOf(section) / TICK_PIXELS));
  ticks?.replaceChildren(
    ...ticksIn(range, most).flatMap(({ atMs, label }) => tick(`${placeOf(atMs, range)}%`, label)),
  );
}

/**
 * As the server draws it.
 *
 * @param {string} x
 * @param {string} label
 */
function tick(x, label) {
  const line = element("line", { x1: x, x2: x, y1: "128", y2: "133" });
  const text = element("text", { x, y: "148", "text-anchor": "middle" });
  text.textContent = label;
  return [line, text];
}

/**
 * @param {string} name
 * @param {Readonly<Record<string, string>>} attributes
 */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
