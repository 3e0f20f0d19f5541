import type { EndpointStatus, Status } from "../status.ts";
import { choiceOf, type EndpointView, endpointViews } from "./endpoint-view.ts";
import { type Html, html } from "./html.ts";
import { marked } from "./tone.ts";
import { address, moment } from "./words.ts";

/** Where Mastodon is pointing, since when, and why there and not elsewhere. */
export function endpoints(status: Status): Html {
  return html`<div class="cards">${endpointViews(status).map(card)}</div>`;
}

function card(view: EndpointView): Html {
  const { name, endpoint, tone, word, why, probes } = view;
  const { host, port, source, since } = endpoint;
  return html`
<article class="card ${tone}">
<h3>${name}</h3>
${marked(tone, word)}
<p class="address">${host === null ? "not known" : address({ host, port })}</p>
<p class="small">${source !== null && html`from ${source}`}${since !== null && html`, since ${moment(since)}`}</p>
${why !== "" && html`<p>${why}.</p>`}
${candidates(view)}
${probes.length > 0 && html`<ul class="probes">${probes.map(probeLine)}</ul>`}
</article>`;
}

function candidates(view: EndpointView): Html {
  const list = view.endpoint.candidates;
  if (list.length === 0) return html`<p class="small">${NO_INSTANCES[view.endpoint.catalogue]}</p>`;
  return html`
<table>
<caption class="unseen">Instances of ${view.name} in the catalogue</caption>
<thead><tr><th scope="col">instance</th><th scope="col">choice</th></tr></thead>
<tbody>${list.map((candidate) => {
    const { tone, word, why } = choiceOf(candidate, view);
    return html`
<tr>
<th scope="row"><code>${candidate.id}</code> <span class="small">${address(candidate)} on ${candidate.node}</span></th>
<td>${marked(tone, word)} <span class="small">${why}</span></td>
</tr>`;
  })}</tbody>
</table>`;
}

const NO_INSTANCES: Readonly<Record<EndpointStatus["catalogue"], string>> = {
  answered: "The catalogue has no instance of it.",
  unanswered: "Consul has not said yet which instances there are.",
  unwatched: "The catalogue is not asked for it.",
};

function probeLine(probe: EndpointView["probes"][number]): Html {
  return html`<li>${marked(probe.ok ? "ok" : "bad", `probe of ${address(probe)}`)} <span class="small">${probe.reason}</span></li>`;
}
