import { originText } from "../origin.ts";
import type { CandidateStatus, EndpointStatus, Status } from "../status.ts";
import { choiceOf, type EndpointView, endpointViews } from "./endpoint-view.ts";
import { type Html, html } from "./html.ts";
import { prose } from "./prose.ts";
import { icon, marked, type Tone } from "./tone.ts";
import { address, moment } from "./words.ts";

/** Where Mastodon points, since when, and why there and not elsewhere. */
export function endpoints(status: Status): Html {
  return html`<div class="cards">${endpointViews(status).map(card)}</div>`;
}

function card(view: EndpointView): Html {
  const { name, endpoint, tone, word, why, probes } = view;
  const { host, port, since } = endpoint;
  return html`
<article class="card ${tone}">
<h3>${name}</h3>
${marked(tone, word)}
<p class="address">${host === null ? "not known" : address({ host, port })}</p>
<p class="small">${host !== null && html`from ${originText(endpoint)}`}${since !== null && html`, in use since ${moment(since)}`}</p>
${why !== "" && html`<p>${prose(why)}.</p>`}
${look(endpoint.check)}
${candidates(view)}
${probes.length > 0 && html`<ul class="probes">${probes.map(probeLine)}</ul>`}
</article>`;
}

/** When the connection in use was last probed, and since when it has been in this state. */
function look({ healthy, since, checked_at }: EndpointStatus["check"]): Html {
  if (checked_at === null) return html`<p class="small">this connection has not been checked</p>`;
  return html`
<p class="small">${since !== null && html`${healthy ? "healthy" : "failing"} since ${moment(since)}; `}last checked ${moment(checked_at)}</p>`;
}

function candidates(view: EndpointView): Html {
  const list = view.endpoint.candidates;
  if (list.length === 0) return html`<p class="small">${NO_INSTANCES[view.endpoint.catalogue]}</p>`;
  return html`
<table>
<caption class="unseen">Instances of ${view.name} in the catalogue</caption>
<thead><tr><th scope="col">instance</th><th scope="col">choice</th></tr></thead>
<tbody>${list.map((candidate) => row(candidate, view))}</tbody>
</table>`;
}

const NO_INSTANCES: Readonly<Record<EndpointStatus["catalogue"], string>> = {
  answered: "The catalogue has no instance of it.",
  unanswered: "Consul has not yet said which instances there are.",
  unwatched: "It is not looked up in the catalogue.",
};

function row(candidate: CandidateStatus, view: EndpointView): Html {
  const { tone, word, why } = choiceOf(candidate, view);
  const { id, node, checks } = candidate;
  return html`
<tr>
<th scope="row"><code>${id}</code> <span class="small">${address(candidate)} on ${node}</span></th>
<td>${marked(tone, word)} <span class="small">${prose(why)}</span></td>
</tr>
${checks.length > 0 && html`<tr class="more"><td colspan="2"><ul class="checks">${checks.map(checkLine)}</ul></td></tr>`}`;
}

/** A catalogue check that is not passing, with the first line of its output. */
function checkLine({ name, status, output }: CandidateStatus["checks"][number]): Html {
  const tone: Tone = status === "warning" ? "held" : "bad";
  return html`
<li class="small">${icon(tone)} check <b>${name}</b> is ${status}${output !== "" && html`: <code class="output">${output}</code>`}</li>`;
}

function probeLine(probe: EndpointView["probes"][number]): Html {
  return html`<li>${marked(probe.ok ? "ok" : "bad", `probe of ${address(probe)}`)} <span class="small">${prose(probe.reason)}</span></li>`;
}
