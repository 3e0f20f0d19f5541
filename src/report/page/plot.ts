import type { Change } from "../change.ts";
import type { ChangeOutcome } from "../outcomes.ts";
import { placeOf, ticksIn } from "./assets/axis.js";
import { type Html, html } from "./html.ts";
import { durationText, utc } from "./words.ts";

/** Every decade of duration has the same height: 10 ms at the bottom, 100 s at the top. */
const BASE = 128;
const DECADE = 28;
const HEIGHT = 156;
const LEAST_RANGE_MS = 60_000;
/** Margin at both ends, as a fraction of the whole. */
const MARGIN = 0.03;

const LEVELS = [
  { ms: 100, label: "100 ms" },
  { ms: 1000, label: "1 s" },
  { ms: 10_000, label: "10 s" },
] as const;

/**
 * Changes over time: the height shows how long each took, colour and shape how it ended. Horizontally it is laid out in
 * per cent, so it fits every screen without squeezing the marks.
 *
 * @param changes at least one, oldest first
 */
export function plot(changes: readonly Change[]): Html {
  const range = rangeOf(changes);
  const levels = LEVELS.map(({ ms, label }) => ({ y: heightOf(ms), label }));
  return html`
<div class="plot" data-key="plot" tabindex="0" role="group" aria-label="Changes over time. Plus and minus zoom, the arrow keys move, 0 shows everything. The same changes are listed below.">
<svg class="scale" width="52" height="${HEIGHT}" aria-hidden="true">
${levels.map(({ y, label }) => html`<text x="46" y="${y + 4}" text-anchor="end">${label}</text>`)}
</svg>
<svg class="field" width="100%" height="${HEIGHT}" aria-hidden="true">
${levels.map(({ y }) => html`<line class="level" x1="0" x2="100%" y1="${y}" y2="${y}"/>`)}
<line class="base" x1="0" x2="100%" y1="${BASE}" y2="${BASE}"/>
<g class="ticks">${ticksIn(range).map(({ atMs, label }) => {
    const x = `${placeOf(atMs, range)}%`;
    return html`<line x1="${x}" x2="${x}" y1="${BASE}" y2="${BASE + 5}"/><text x="${x}" y="${BASE + 20}" text-anchor="middle">${label}</text>`;
  })}</g>
${changes.map((change) => mark(change, `${placeOf(Date.parse(change.at), range)}%`))}
</svg>
</div>`;
}

/** The id of a change's entry in the list. */
export function anchorOf({ at }: Change): string {
  return `change-${at}`;
}

export const SHAPES: Readonly<Record<ChangeOutcome, Html>> = {
  applied: html`<circle r="6"/>`,
  refused: html`<rect x="-5.5" y="-5.5" width="11" height="11"/>`,
  failed: html`<path d="M0 -8 L8 0 L0 8 L-8 0 Z"/>`,
  put_back: html`<path d="M6 -7 L6 7 L-8 0 Z"/>`,
};

function mark(change: Change, x: string): Html {
  const { at, outcome, duration_ms, cause, urgent } = change;
  const y = heightOf(duration_ms);
  return html`
<svg class="mark ${outcome}" x="${x}" overflow="visible" data-at="${Date.parse(at)}"><a href="#${anchorOf(change)}" tabindex="-1">
<title>${utc(at)}: ${outcome} in ${durationText(duration_ms)}. ${cause}</title>
<line y1="${BASE}" y2="${y}"/><svg y="${y}" overflow="visible">${urgent && html`<circle class="urgent" r="10"/>`}${SHAPES[outcome]}</svg>
</a></svg>`;
}

function heightOf(ms: number): number {
  const decades = Math.min(4, Math.max(0.15, Math.log10(Math.max(1, ms)) - 1));
  return Math.round(BASE - decades * DECADE);
}

/** All of them. The page itself extends it to the present, which here would make every rendering different. */
function rangeOf(changes: readonly Change[]): { readonly fromMs: number; readonly toMs: number } {
  const times = changes.map(({ at }) => Date.parse(at));
  const [first = 0, last = 0] = [Math.min(...times), Math.max(...times)];
  const spanMs = Math.max(LEAST_RANGE_MS, last - first);
  return { fromMs: first - spanMs * MARGIN, toMs: first + spanMs * (1 + MARGIN) };
}
