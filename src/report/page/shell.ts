import type { Status } from "../status.ts";
import { type Html, html } from "./html.ts";
import type { Section, SectionName } from "./sections.ts";
import { moment } from "./words.ts";

/** The whole document. What the script replaces later is in elements with a digest; the tools around them stay. */
export function documentOf(
  { node, state, version }: Status,
  sections: readonly Section[],
  now: Date,
): string {
  const { text } = html`
<html lang="en" data-version="${version}" data-now="${now.toISOString()}">
<head>
${head(`${state} · ${node}`, STYLES)}
<script type="module" src="/assets/page.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
${slot("headline", sections, LIVE)}
<p id="connection" role="status" hidden>The agent has not answered since ${moment(now.toISOString())}. This page is out of date. Trying again.</p>
<nav aria-label="On this page"><ul>${BLOCKS.map(link)}</ul></nav>
</header>
<main id="content" tabindex="-1">
${BLOCKS.map((block) => section(block, sections))}
</main>
<footer>
${slot("about", sections)}
<p class="small">Read-only. Secrets are not shown. For programs: <a href="/status">/status</a>, <a href="/history">/history</a>. For the night: <a href="/docs/operating">operating</a>, <a href="/docs/problems">problems</a>.</p>
<p id="copied" class="unseen" role="status"></p>
</footer>
</body>
</html>`;
  return `<!doctype html>${text}\n`;
}

/** What both kinds of pages have. @param styles names of assets, without their extension */
export function head(title: string, styles: readonly string[]): Html {
  return html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${HERE}" data-here="${HERE}" data-away="${AWAY}">
${styles.map(
  (name) => html`<link rel="stylesheet" href="/assets/${name}.css">
`,
)}`;
}

interface Block {
  readonly title: string;
  readonly part: SectionName;
  readonly tools?: Html;
}

function link({ title, part }: Block): Html {
  return html`<li><a href="#title-${part}">${title}</a></li> `;
}

function section({ title, part, tools }: Block, sections: readonly Section[]): Html {
  const id = `title-${part}`;
  return html`
<section aria-labelledby="${id}">
<div class="title"><h2 id="${id}">${title}</h2>${tools}</div>
${slot(part, sections)}
</section>`;
}

function slot(id: SectionName, sections: readonly Section[], attributes?: Html): Html | undefined {
  const found = sections.find((each) => each.id === id);
  return found && html`<div id="${id}" data-digest="${found.digest}"${attributes}>${found.html}</div>`;
}

/** Read out as a whole when it changes. */
const LIVE = html` aria-live="polite" aria-atomic="true"`;

const STYLES = ["tones", "base", "prose", "page", "flow", "timeline", "lists"];

/** What only works with the script is hidden until the script shows it. */
const ZOOM = html`
<div class="tools" id="zoom" role="group" aria-label="Time range" hidden>
<button type="button" data-span="3600000">1 h</button>
<button type="button" data-span="21600000">6 h</button>
<button type="button" data-span="86400000">1 d</button>
<button type="button" data-span="604800000">7 d</button>
<button type="button" data-span="" aria-pressed="true">all</button>
<button type="button" data-factor="0.5" aria-label="Zoom in">+</button>
<button type="button" data-factor="2" aria-label="Zoom out">−</button>
</div>`;

const FILTER = html`
<div class="tools" id="filter" hidden>
<label for="wanted">Filter</label>
<input id="wanted" type="search" autocomplete="off" spellcheck="false">
<output for="wanted"></output>
</div>`;

const BLOCKS: readonly Block[] = [
  { title: "What to do now", part: "problems" },
  { title: "From sources to units", part: "flow" },
  { title: "Endpoints", part: "endpoints" },
  { title: "Units", part: "units" },
  { title: "Changes", part: "timeline", tools: ZOOM },
  { title: "Settings", part: "settings", tools: FILTER },
  { title: "Pinned keys", part: "keys" },
  { title: "Certificates", part: "certificates" },
  { title: "Watches", part: "watches" },
];

/** Two arrows that meet: drawn here, because browsers request an icon anyway. Grey while the agent does not answer. */
const [HERE, AWAY] = [iconIn("#563acc"), iconIn("#777777")];

function iconIn(colour: string): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${colour}"/><path d="M7 10 H15 C19 10 17 22 21 22 H25 M7 22 H13" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/><circle cx="25" cy="22" r="3" fill="#fff"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
