import type { SettingStatus, Status } from "../status.ts";
import { waitingText } from "../waiting.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { marked } from "./tone.ts";
import { moment } from "./words.ts";

/** Every value in force, and behind it what is asked for instead, what was refused, and every source that has one. */
export function settings({ settings: list, missing }: Status): Html {
  return html`
${missing.length > 0 && html`<p>No source has ${missing.join(", ")}: see "What to do now".</p>`}
${list.length === 0 && html`<p class="calm">None is known yet.</p>`}
<div class="settings">${list.map(entry)}</div>`;
}

function entry(setting: SettingStatus): Html {
  const { name, feeds, readers, since, in_force: inForce, waiting, refused, values } = setting;
  return html`
<details class="setting" data-key="setting ${name}">
<summary><b>${name}</b> <code>${inForce?.value ?? ""}</code> <span class="level">${waiting !== null && html`${marked("held", "waiting")} `}${refused.length > 0 && html`${marked("bad", "refused")} `}${levelText(setting)}</span></summary>
${waiting !== null && asked(setting)}
${refused.map((reason) => html`<p>Refused: ${prose(reason)}</p>`)}
<table>
<caption class="unseen">Sources of ${name}, strongest first</caption>
<thead><tr><th scope="col">source</th><th scope="col">value</th><th scope="col">where</th></tr></thead>
<tbody>${values.map((value) => source(value, markOf(value, setting)))}</tbody>
</table>
<p class="small">
${since !== null && html`In force since ${moment(since)}. `}
${feeds.length > 0 && html`Feeds ${feeds.join(", ")}. `}
${readers.length > 0 && html`Read by ${readers.join(", ")}.`}
</p>
</details>`;
}

type Value = SettingStatus["values"][number];

function levelText({ in_force: inForce, values }: SettingStatus): string {
  if (inForce !== null) return inForce.level ?? "";
  return values.length === 0 ? "unset" : "not in force";
}

/** What will be in force, and what it is waiting for; for a secret only that it differs. */
function asked({ in_force: inForce, waiting, values: [first] }: SettingStatus): Html {
  return html`
${inForce !== null && html`<p>In force: <code>${inForce.value ?? ""}</code>${inForce.where !== null && html` from ${inForce.where}`}.</p>`}
<p>Asked for: ${first === undefined ? "no value" : html`<code>${first.value}</code>${first.value === inForce?.value && " (a different one)"} from ${first.where}`}. ${waiting !== null && prose(`It ${waitingText(waiting, (iso) => iso)}.`)}</p>`;
}

function markOf(value: Value, { waiting, in_force: inForce, values }: SettingStatus): string | false {
  if (value === values[0]) return waiting === null ? "in force" : "asked for";
  return value.where === inForce?.where && value.value === inForce.value && "in force";
}

function source({ level, value, where, index }: Value, mark: string | false): Html {
  return html`
<tr>
<th scope="row">${level}${mark !== false && html` <span class="small">${mark}</span>`}</th>
<td><code>${value}</code></td>
<td>${where}${index !== null && html` <span class="small">index ${index}</span>`}</td>
</tr>`;
}
