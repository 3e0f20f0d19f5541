import type { Change } from "../change.ts";
import type { HoldEvent } from "../hold.ts";
import { isChange, type JournalEntry } from "../journal-entry.ts";
import { type ChangeOutcome, OUTCOMES } from "../outcomes.ts";
import type { Status } from "../status.ts";
import { waitingText } from "../waiting.ts";
import { type Html, html } from "./html.ts";
import { anchorOf, plot, SHAPES } from "./plot.ts";
import { prose } from "./prose.ts";
import { icon } from "./tone.ts";
import { durationText, moment } from "./words.ts";

/** How much of a long journal is shown. The rest is in `history`. */
const NEWEST = 100;

/** What is to come; and everything on record: the changes as a plot, and they and the holds as a list, newest first. */
export function timeline({ next_change: next }: Status, journal: readonly JournalEntry[]): Html {
  return html`${next !== null && waiting(next)}${past(journal)}`;
}

/** What comes next, and what that waits for. */
function waiting({ cause, waiting: why }: NonNullable<Status["next_change"]>): Html {
  const text = waitingText(why, (iso) => iso);
  return html`<p class="next">${icon("busy")} <span>Next: ${prose(`${cause}; it ${text}`)}.</span></p>`;
}

function past(journal: readonly JournalEntry[]): Html {
  if (journal.length === 0) return html`<p class="calm">Nothing has changed yet.</p>`;
  const newest = journal.slice(-NEWEST);
  const changes = newest.filter(isChange);
  const hidden = journal.length - newest.length;
  return html`
${changes.length > 0 && plot(changes)}
<p class="legend small">${OUTCOMES.map((outcome) => html`<span>${sign(outcome)} ${outcome}</span> `)}
<span>${ring} urgent</span> <span>height: how long it took</span> <span>times in UTC</span></p>
<ol class="changes">${newest.toReversed().map((entry) => (isChange(entry) ? changeEntry(entry) : holdEntry(entry)))}</ol>
<p class="nothing small" hidden>No changes in this time range.</p>
${hidden > 0 && html`<p class="small">The newest ${NEWEST} of ${journal.length}. <code>mastodon-agent history</code> shows all.</p>`}`;
}

function holdEntry({ at, hold, reason, since }: HoldEvent): Html {
  return html`
<li data-at="${Date.parse(at)}">${icon("held")} <span class="cause">Hold ${hold}: ${reason}</span>
<span class="small">${hold === "ended" && html`held since ${moment(since)}, `}${moment(at)}</span></li>`;
}

function changeEntry(change: Change): Html {
  const { at, cause, outcome, duration_ms, problem, urgent } = change;
  return html`
<li id="${anchorOf(change)}" data-at="${Date.parse(at)}"><details data-key="change ${at}">
<summary>${sign(outcome)} <span class="cause">${cause}</span>
<span class="small"><b class="${outcome}">${outcome}</b>${urgent && ", urgent"} in ${durationText(duration_ms)}, ${moment(at)}</span></summary>
${problem !== null && html`<p>${prose(problem)}</p>`}
${values(change)}
${done(change)}
${spans(change)}
</details></li>`;
}

function sign(outcome: ChangeOutcome): Html {
  return html`<svg class="sign ${outcome}" viewBox="-9 -9 18 18" width="16" height="16" aria-hidden="true">${SHAPES[outcome]}</svg>`;
}

function values(change: Change): Html | false {
  const rows = [
    ...change.endpoints.map(({ dependency, before, after }) => ({
      name: dependency,
      before,
      after,
      from: "",
    })),
    ...change.values.map(({ name, before, after, source, index }) => ({
      name,
      before,
      after,
      from: `${source ?? "nowhere"}${index === null ? "" : `, index ${index}`}`,
    })),
  ];
  if (rows.length === 0) return false;
  return html`
<table>
<thead><tr><th scope="col">what</th><th scope="col">before</th><th scope="col">after</th><th scope="col">from</th></tr></thead>
<tbody>${rows.map(
    ({ name, before, after, from }) => html`
<tr><th scope="row">${name}</th><td>${value(before)}</td><td>${value(after)}</td><td>${from}</td></tr>`,
  )}</tbody>
</table>`;
}

function value(text: string | null): Html {
  return text === null ? html`<span class="small">none</span>` : html`<code>${text}</code>`;
}

function done({ actions, wrote, restored }: Change): Html {
  const units = actions.map(({ unit, kind, ok }) => `${kind} ${unit}${ok ? "" : " (failed)"}`).join(", ");
  return html`<p class="small">${units === "" ? "Nothing was done to a unit" : `Units: ${units}`}.${wrote.length > 0 && ` Wrote ${wrote.join(", ")}.`}${restored.length > 0 && ` Restored ${restored.join(", ")}.`}</p>`;
}

/** Where the time went, each stage with a bar of its part of the longest. */
function spans({ spans: list }: Change): Html | false {
  if (list.length === 0) return false;
  const longestMs = Math.max(1, ...list.map(({ ms }) => ms));
  return html`
<table class="spans">
<thead><tr><th scope="col">stage</th><th scope="col">took</th><th scope="col"><span class="unseen">as a bar</span></th></tr></thead>
<tbody>${list.map(
    ({ stage, unit, ms, ok }) => html`
<tr><th scope="row">${stage}${unit !== undefined && ` ${unit}`}${!ok && " (failed)"}</th><td>${durationText(ms)}</td>
<td><svg class="bar ${ok ? "ok" : "bad"}" width="100%" height="10" aria-hidden="true"><rect width="${Math.max(0.5, (ms / longestMs) * 100).toFixed(1)}%" height="10" rx="2"/></svg></td></tr>`,
  )}</tbody>
</table>`;
}

const ring = html`<svg class="sign ring" viewBox="-11 -11 22 22" width="16" height="16" aria-hidden="true"><circle class="urgent" r="9"/></svg>`;
