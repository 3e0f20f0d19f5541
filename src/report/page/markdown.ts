/** Markdown to HTML, for pages shipped with the agent. Links lead to what the agent serves, or out; pictures are named. */
import { Marked, type Tokens } from "marked";
import { html, made } from "./html.ts";
import { MANUAL } from "./names.ts";

export interface Heading {
  readonly id: string;
  readonly text: string;
}

/** The body of a page. */
export function rendered(markdown: string): string {
  return MARKED.parse(markdown, { async: false });
}

/** The title of a page and its chapters. */
export function headingsOf(markdown: string): readonly Heading[] {
  return MARKED.lexer(markdown).flatMap((token) =>
    isHeading(token) && token.depth <= 2
      ? [{ id: anchorOf(token.text), text: token.text.replaceAll("`", "") }]
      : [],
  );
}

const MARKED = new Marked({
  gfm: true,
  renderer: {
    heading({ tokens, depth, text }) {
      return html`<h${depth} id="${anchorOf(text)}">${made(this.parser.parseInline(tokens))}</h${depth}>\n`
        .text;
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      const target = targetOf(href);
      return target === undefined ? text : html`<a href="${target}" rel="noreferrer">${made(text)}</a>`.text;
    },
    image: ({ text }) => html`<em>Picture: ${text}</em>`.text,
    code: ({ text }) => html`<pre tabindex="0"><code>${text}</code></pre>\n`.text,
    codespan: ({ text }) => html`<code>${text}</code>`.text,
    html: ({ text }) => html`${text}`.text,
  },
});

/** Nothing if it leads to a file that is not served. */
function targetOf(href: string): string | undefined {
  if (/^(https?:|#)/.test(href)) return href;
  const [, name, anchor = ""] = /^([\w-]+)\.md(#.*)?$/.exec(href) ?? [];
  return MANUAL.some((known) => known === name) ? `/docs/${name}${anchor}` : undefined;
}

/** As GitHub makes it from a heading, so that a link works in both places. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

function isHeading(token: { readonly type: string }): token is Tokens.Heading {
  return token.type === "heading";
}
