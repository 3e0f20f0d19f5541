import type { Status } from "../status.ts";
import { type Html, html } from "./html.ts";

/** Fingerprints only: they show whether two nodes have the same keys, and nothing else. */
export function keys({ keys: fingerprints }: Status): Html {
  const list = Object.entries(fingerprints);
  if (list.length === 0) return html`<p class="calm">None has been read yet.</p>`;
  return html`
<table>
<thead><tr><th scope="col">key</th><th scope="col">fingerprint</th></tr></thead>
<tbody>${list.map(([name, fingerprint]) => html`<tr><th scope="row">${name}</th><td><code>${fingerprint}</code></td></tr>`)}</tbody>
</table>`;
}
