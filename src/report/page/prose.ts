/** Messages have names and commands between backticks: here they become code, and a command can be copied. */
import { type Html, html, type Part } from "./html.ts";
import { moment } from "./words.ts";

/** A message as it is shown. Times in it are shown like all others. */
export function prose(message: string): Html {
  // The parts between matches alternate with each match's two groups.
  const parts = message.split(/`([^`\n]+)`|\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/);
  return html`${parts.map((part, at) => part && FORMS[at % FORMS.length]?.(part))}`;
}

const FORMS: readonly ((text: string) => Part)[] = [(text) => text, code, moment];

/** A name; or a command, which has more than one word. */
function code(text: string): Html {
  return /\S\s+\S/.test(text) ? command(text) : html`<code>${text}</code>`;
}

/** Shown in full, and selected by one click. The button is hidden until the page's script gives it something to do. */
function command(text: string): Html {
  return html`<span class="command" data-key="command ${text}"><code>${text}</code> <button type="button" class="copy" aria-label="Copy ${text}">copy</button></span>`;
}
