import type { Status } from "../status.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { icon, STATE_TONES } from "./tone.ts";
import { count, moment } from "./words.ts";

/** The state in one word, why, and since when. The only part that screen readers announce when it changes. */
export function headline(status: Status): Html {
  const { node, state, reason, since } = status;
  return html`
<div class="state ${STATE_TONES[state]}" data-node="${node}" data-state="${state}">
${icon(STATE_TONES[state])}
<div>
<h1><span class="node">${node}</span> <span class="verb">is</span> <strong>${state}</strong></h1>
<p class="reason">${prose(reason)}</p>
<p class="since">since ${moment(since)}</p>
</div>
</div>`;
}

/** The small print. */
export function about({ version, started_at, consul, desired, applied }: Status): Html {
  const consulState = consul.joined
    ? `joined, ${count(consul.members, "member")}`
    : consul.connected
      ? "answers, not joined"
      : "not reachable";
  return html`
<dl class="facts">
<div><dt>Consul</dt><dd>${consulState}</dd></div>
<div><dt>desired</dt><dd>${shortDigest(desired)}</dd></div>
<div><dt>in force</dt><dd>${shortDigest(applied)}${desired !== null && desired === applied && " (the same)"}</dd></div>
<div><dt>agent ${version}</dt><dd>running since ${moment(started_at)}</dd></div>
</dl>`;
}

function shortDigest(digest: string | null): Html {
  return digest === null ? html`not yet known` : html`<code title="${digest}">${digest.slice(0, 12)}</code>`;
}
