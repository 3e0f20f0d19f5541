import { printable } from "../../base/visible.ts";

/** HTML that is safe by construction: what is put into the template is escaped, unless the same template made it. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type { Html };

/** What a template may contain. `null`, `undefined` and `false` show nothing. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/** Attribute values must be in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const [first = "", ...rest] = strings;
  return new Html(rest.reduce((text, string, position) => text + textOf(parts[position]) + string, first));
}

/** HTML from elsewhere: only for what is shipped with the agent. */
export function made(text: string): Html {
  return new Html(text);
}

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return part.map(textOf).join("");
}

function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
