import type { Status, WatchStatus } from "../status.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { marked } from "./tone.ts";
import { moment } from "./words.ts";

/** The standing queries to Consul, and when it last answered each. */
export function watches({ watches: list }: Status): Html {
  if (list.length === 0) return html`<p class="calm">None has started yet.</p>`;
  return html`
<table>
<thead><tr><th scope="col">watch</th><th scope="col">last answer</th><th scope="col">index</th></tr></thead>
<tbody>${list.map(row)}</tbody>
</table>`;
}

function row({ name, index, last_answer_at, problem }: WatchStatus): Html {
  const answer = last_answer_at === null ? html`none yet` : moment(last_answer_at);
  return html`
<tr>
<th scope="row">${name}</th>
<td>${problem === null ? answer : html`${marked("bad", "failing")} <span class="small">${prose(problem)}; last answer ${answer}</span>`}</td>
<td><code>${index}</code></td>
</tr>`;
}
