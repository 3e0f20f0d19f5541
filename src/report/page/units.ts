import type { Status, UnitStatus } from "../status.ts";
import { unitTone } from "./flow-graph.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { marked } from "./tone.ts";
import { moment } from "./words.ts";

export function units({ units: byName }: Status): Html {
  const list = Object.entries(byName);
  if (list.length === 0) return html`<p class="calm">None is known yet.</p>`;
  return html`
<table>
<thead><tr><th scope="col">unit</th><th scope="col">health</th><th scope="col">runs with</th><th scope="col">last action</th></tr></thead>
<tbody>${list.map(row)}</tbody>
</table>`;
}

function row([name, unit]: readonly [string, UnitStatus]): Html {
  const { since, reason, current } = unit;
  return html`
<tr>
<th scope="row">${name}</th>
<td>${health(unit)} ${since !== null && html`<span class="small">since ${moment(since)}</span>`} ${reason !== "" && html`<span class="small">${prose(reason)}</span>`}</td>
<td>${current ? "the newest configuration" : marked("held", "an older configuration")}</td>
<td>${lastAction(unit)}</td>
</tr>`;
}

function health(unit: UnitStatus): Html {
  const { tone, word } = unitTone({ ...unit, current: true });
  return marked(tone, word);
}

function lastAction({ last_action }: UnitStatus): Html {
  if (last_action === null) return html`nothing`;
  const { at, kind, ok } = last_action;
  return html`${marked(ok ? "ok" : "bad", ok ? kind : `${kind} failed`)} <span class="small">${moment(at)}</span>`;
}
