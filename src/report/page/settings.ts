import type { SettingStatus, Status } from "../status.ts";
import { type Html, html } from "./html.ts";
import { moment } from "./words.ts";

/** Every value in force, and behind it every source that has one, the one in force first. */
export function settings({ settings: list, missing }: Status): Html {
  return html`
${missing.length > 0 && html`<p>Nobody names ${missing.join(", ")}: see what to do now.</p>`}
${list.length === 0 && html`<p class="calm">None is known yet.</p>`}
<div class="settings">${list.map(entry)}</div>`;
}

function entry(setting: SettingStatus): Html {
  const { name, feeds, readers, since, values } = setting;
  const [inForce] = values;
  return html`
<details class="setting" data-key="setting ${name}">
<summary><b>${name}</b> <code>${inForce?.value ?? ""}</code> <span class="level">${inForce?.level ?? "unset"}</span></summary>
<table>
<caption class="unseen">Sources of ${name}, the strongest first</caption>
<thead><tr><th scope="col">source</th><th scope="col">value</th><th scope="col">where</th></tr></thead>
<tbody>${values.map(source)}</tbody>
</table>
<p class="small">
${since !== null && html`In force since ${moment(since)}. `}
${feeds.length > 0 && html`Feeds ${feeds.join(", ")}. `}
${readers.length > 0 && html`Read by ${readers.join(", ")}.`}
</p>
</details>`;
}

function source({ level, value, where, index }: SettingStatus["values"][number], position: number): Html {
  return html`
<tr>
<th scope="row">${level}${position === 0 && html` <span class="small">in force</span>`}</th>
<td><code>${value}</code></td>
<td>${where}${index !== null && html` <span class="small">index ${index}</span>`}</td>
</tr>`;
}
