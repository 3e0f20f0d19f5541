import type { State } from "../status.ts";
import { type Html, html } from "./html.ts";

/** How something is, for its colour and shape. There are always words beside it: neither is the only sign. */
export type Tone = "ok" | "busy" | "held" | "bad" | "unchecked" | "none";

export const STATE_TONES: Readonly<Record<State, Tone>> = {
  starting: "busy",
  waiting: "held",
  converged: "ok",
  applying: "busy",
  held: "held",
  degraded: "held",
  disconnected: "held",
  failed: "bad",
};

/** Discs, a square, a diamond and rings, with signs in them, so that they differ even without colour. */
const SHAPES: Readonly<Record<Tone, Html>> = {
  ok: html`<circle r="8"/><path class="sign" d="M-3.6 .3 L-1.2 2.8 L3.8 -2.6"/>`,
  busy: html`<circle r="8"/><path class="sign" d="M0 -4.4 V0 L3 2"/>`,
  held: html`<rect x="-7.5" y="-7.5" width="15" height="15" rx="2.5"/><path class="sign" d="M-2.4 -3.4 V3.4 M2.4 -3.4 V3.4"/>`,
  bad: html`<path d="M0 -9.5 L9.5 0 L0 9.5 L-9.5 0 Z"/><path class="sign" d="M0 -4.4 V1 M0 4 V4.2"/>`,
  unchecked: html`<circle class="ring dashed" r="8"/><path class="question" d="M-2.6 -2.2 C-2.6 -5.6 2.8 -5.4 2.6 -2 C2.5 -.4 0 -.2 0 1.8 M0 4.6 V4.8"/>`,
  none: html`<circle class="ring" r="5.5"/>`,
};

export function icon(tone: Tone): Html {
  return html`<svg class="icon ${tone}" viewBox="-10 -10 20 20" width="20" height="20" aria-hidden="true">${SHAPES[tone]}</svg>`;
}

/** What has not been checked is called neither healthy nor anything else. */
export const UNCHECKED = { tone: "unchecked", word: "not checked" } as const;

/** A word with its mark before it. */
export function marked(tone: Tone, word: string): Html {
  return html`<span class="marked ${tone}">${icon(tone)} ${word}</span>`;
}
