import type { Status } from "../status.ts";
import { type Box, type Edge, flowOf } from "./flow-graph.ts";
import { type Html, html } from "./html.ts";
import { icon, marked, type Tone } from "./tone.ts";

/**
 * The picture of the flow: four columns of boxes, which are text, and between them lines, which are SVG stretched to
 * the height of the columns. All boxes of a column have the same height, so box `i` of `n` is at (i + 0.5) / n.
 */
export function flow(status: Status): Html {
  const { sources, endpoints, files, units, edges } = flowOf(status);
  return html`
<div class="flow">
${column("Sources", sources)}
${lines(direct(sources, endpoints, edges))}
${column("Endpoints and settings", endpoints)}
${lines(bundled(endpoints, files))}
${column("Files", files)}
${lines(direct(files, units, edges))}
${column("Units", units)}
</div>
${LEGEND}`;
}

const MARKS: readonly (readonly [Tone, string])[] = [
  ["ok", "checked and fine"],
  ["busy", "in progress"],
  ["held", "waiting, or kept as it was"],
  ["bad", "failing"],
  ["unchecked", "not checked"],
];

const LEGEND = html`<p class="legend small">${MARKS.map(([tone, meaning]) => html`<span>${icon(tone)} ${meaning}</span> `)}</p>`;

function column(title: string, boxes: readonly Box[]): Html {
  const empty = boxes.length === 0 && html`<li class="empty">none yet</li>`;
  return html`
<div class="column">
<h3>${title}</h3>
<ul>${boxes.map(boxOf)}${empty}</ul>
</div>`;
}

function boxOf({ title, detail, tone, word }: Box): Html {
  return html`
<li><div class="box ${tone}">
<b>${title}</b> <span class="detail">${detail}</span> ${marked(tone, word)}
</div></li>`;
}

interface Line {
  readonly d: string;
  readonly tone: Tone;
}

function lines(list: readonly Line[]): Html {
  const paths = list.map(({ d, tone }) => html`<path class="${tone}" d="${d}"/>`);
  return html`<svg class="lines" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${paths}</svg>`;
}

function direct(left: readonly Box[], right: readonly Box[], edges: readonly Edge[]): readonly Line[] {
  return edges.flatMap(({ from, to, tone }) => {
    const [start, end] = [heightOf(left, from), heightOf(right, to)];
    if (start === undefined || end === undefined) return [];
    return [{ d: `M0 ${start} C50 ${start} 50 ${end} 100 ${end}`, tone }];
  });
}

/** Every file is rendered from everything: the incoming lines meet in the middle and go out from there. */
function bundled(left: readonly Box[], right: readonly Box[]): readonly Line[] {
  const into = left.map(({ id, tone }) => {
    const start = heightOf(left, id);
    return { d: `M0 ${start} C25 ${start} 25 50 50 50`, tone };
  });
  const out = right.map(({ id, tone }) => {
    const end = heightOf(right, id);
    return { d: `M50 50 C75 50 75 ${end} 100 ${end}`, tone };
  });
  return left.length === 0 || right.length === 0 ? [] : [...into, ...out];
}

function heightOf(boxes: readonly Box[], id: string): number | undefined {
  const position = boxes.findIndex((box) => box.id === id);
  return position === -1 ? undefined : Math.round(((position + 0.5) / boxes.length) * 1000) / 10;
}
