import type { Status } from "../status.ts";
import { type Html, html } from "./html.ts";
import type { Section, SectionName } from "./sections.ts";

/** The whole document. What the script replaces later is in elements with a digest; the tools around them stay. */
export function documentOf(
  { node, state, version }: Status,
  sections: readonly Section[],
  now: Date,
): string {
  const part = (id: SectionName, live = false) => slot(id, sections, live);
  const { text } = html`
<html lang="en" data-version="${version}" data-now="${now.toISOString()}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${state} · ${node}</title>
<link rel="icon" href="${ICON}">
${STYLES.map(
  (name) => html`<link rel="stylesheet" href="/assets/${name}.css">
`,
)}
<script type="module" src="/assets/page.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
${part("headline", true)}
<p id="connection" role="status" hidden>Connection to the agent lost: what you see is old. Trying again.</p>
</header>
<main id="content" tabindex="-1">
${block("What to do now", part("problems"))}
${block("The way of the values", part("flow"))}
${block("Endpoints", part("endpoints"))}
${block("Units", part("units"))}
${block("Changes", part("timeline"), ZOOM)}
${block("Settings", part("settings"), FILTER)}
${block("Pinned keys", part("keys"))}
${block("Certificates", part("certificates"))}
${block("Watches", part("watches"))}
</main>
<footer>
${part("about")}
<p class="small">Read-only. Secrets are not shown. The same for programs: <a href="/status">/status</a>, <a href="/history">/history</a>.</p>
</footer>
</body>
</html>`;
  return `<!doctype html>${text}\n`;
}

function slot(id: SectionName, sections: readonly Section[], live: boolean): Html | undefined {
  const section = sections.find((each) => each.id === id);
  return (
    section &&
    html`<div id="${id}" data-digest="${section.digest}"${live && html` aria-live="polite"`}>${section.html}</div>`
  );
}

function block(title: string, content: Html | undefined, tools?: Html): Html {
  const id = `title-${title.toLowerCase().replaceAll(" ", "-")}`;
  return html`
<section aria-labelledby="${id}">
<div class="title"><h2 id="${id}">${title}</h2>${tools}</div>
${content}
</section>`;
}

const STYLES = ["tones", "base", "page", "flow", "timeline", "lists"];

/** What only works with the script is hidden until the script shows it. */
const ZOOM = html`
<div class="tools" id="zoom" role="group" aria-label="Part of the time" hidden>
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

/** Two arrows that meet: drawn here, since a page asks for an icon anyway. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#563acc"/><path d="M7 10 H15 C19 10 17 22 21 22 H25 M7 22 H13" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/><circle cx="25" cy="22" r="3" fill="#fff"/></svg>',
)}`;
