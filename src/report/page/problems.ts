import { releaseCommand } from "../hold.ts";
import { PROBLEM_CODES } from "../problem-codes.ts";
import type { Status } from "../status.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { icon } from "./tone.ts";
import { moment } from "./words.ts";

/** What is wrong now, each with what to do about it. */
export function problems(status: Status): Html {
  const { problems: list, hold } = status;
  if (list.length === 0 && hold === null) return html`<p class="calm">Nothing to do.</p>`;
  return html`<ul class="problems">${hold !== null && held(status)}${list.map(entry)}</ul>`;
}

function held({ hold, hold_keys, hold_since }: Status): Html {
  return html`
<li data-key="problem hold">${icon("held")}<div>
<p>All changes are on hold: ${hold}. ${prose(`To end the hold: \`${releaseCommand(hold_keys)}\``)}</p>
<p class="small">${explained("hold")}${hold_since !== null && html` since ${moment(hold_since)}`}</p>
</div></li>`;
}

function entry({ code, about, message, since }: Status["problems"][number]): Html {
  return html`
<li data-key="problem ${code} ${about}">${icon("bad")}<div>
<p>${prose(message)}</p>
<p class="small">${explained(code)}${about !== "" && html` about <b>${about}</b>`} since ${moment(since)}</p>
</div></li>`;
}

/** A code, with a link to what is written about it. */
function explained(code: string): Html {
  const name = html`<code>${code}</code>`;
  const isKnown = [...PROBLEM_CODES, "hold"].includes(code);
  return isKnown ? html`<a href="/docs/problems#${code}">${name}</a>` : name;
}
