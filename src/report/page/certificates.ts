import type { Status } from "../status.ts";
import { holderText } from "../waiting.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { marked } from "./tone.ts";
import { moment } from "./words.ts";

/** For each domain how long its certificate lasts, and who renews it. */
export function certificates({ certificates: list, certificates_turn: turn }: Status): Html {
  const waits =
    turn !== null &&
    html`<p>Waiting since ${moment(turn.since)} for the turn to order; ${prose(holderText(turn))}.</p>`;
  if (list.length === 0) return html`${waits || html`<p class="calm">No template uses one.</p>`}`;
  return html`
${waits}
<table>
<thead><tr><th scope="col">domain</th><th scope="col">expires</th><th scope="col">issued by</th><th scope="col">next renewal</th></tr></thead>
<tbody>${list.map(row)}</tbody>
</table>`;
}

function row({ domain, not_after, issuer, is_ours, next_attempt_at }: Status["certificates"][number]): Html {
  const next = next_attempt_at === null ? html`not planned` : html`ordered ${moment(next_attempt_at)}`;
  return html`
<tr>
<th scope="row">${domain}</th>
<td>${not_after === null ? marked("held", "none yet") : moment(not_after)}</td>
<td>${issuer ?? "-"}</td>
<td>${is_ours ? next : html`by the operator`}</td>
</tr>`;
}
