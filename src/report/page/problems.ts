import type { Status } from "../status.ts";
import { type Html, html } from "./html.ts";
import { icon } from "./tone.ts";
import { moment } from "./words.ts";

/** What is wrong now, each with what to do about it. */
export function problems({ problems: list, hold }: Status): Html {
  if (list.length === 0 && hold === null) return html`<p class="calm">Nothing.</p>`;
  return html`<ul class="problems">${hold !== null && held(hold)}${list.map(entry)}</ul>`;
}

function held(reason: string): Html {
  return html`
<li>${icon("held")}<div>
<p>An operator holds all changes: ${reason}. Delete the key <code>control/hold</code> in Consul's KV to go on.</p>
<p class="small"><code>hold</code></p>
</div></li>`;
}

function entry({ code, message, since }: Status["problems"][number]): Html {
  return html`
<li>${icon("bad")}<div>
<p>${message}</p>
<p class="small"><code>${code}</code> since ${moment(since)}</p>
</div></li>`;
}
