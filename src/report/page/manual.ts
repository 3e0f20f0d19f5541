/** The documentation shipped with the agent, where it is needed: a problem's link leads here. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf } from "../../base/errors.ts";
import type { Reply } from "../reply.ts";
import { html, made } from "./html.ts";
import { headingsOf, rendered } from "./markdown.ts";
import type { ManualName } from "./names.ts";
import { head } from "./shell.ts";

export async function manualPage(name: ManualName): Promise<Pick<Reply, "code" | "type" | "body">> {
  try {
    const text = await readFile(join(packageFolder(import.meta.dirname), "docs", `${name}.md`), "utf8");
    return { code: 200, type: "text/html; charset=utf-8", body: documentOf(text) };
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return {
      code: 404,
      type: "text/plain; charset=utf-8",
      body: `docs/${name}.md is not part of this package\n`,
    };
  }
}

function documentOf(markdown: string): string {
  const [title, ...chapters] = headingsOf(markdown);
  const { text } = html`
<html lang="en">
<head>
${head(title?.text ?? "Manual", STYLES)}
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<nav aria-label="Manual"><ul>${SHELF.map(([href, name]) => html`<li><a href="${href}">${name}</a></li> `)}</ul></nav>
</header>
<main id="content" class="manual" tabindex="-1">
<nav aria-label="On this page"><ul>${chapters.map(({ id, text: name }) => html`<li><a href="#${id}">${name}</a></li> `)}</ul></nav>
${made(rendered(markdown))}
</main>
</body>
</html>`;
  return `<!doctype html>${text}\n`;
}

const STYLES = ["tones", "base", "prose", "page", "manual"];

const SHELF = [
  ["/", "Status of this node"],
  ["/docs/operating", "Operating"],
  ["/docs/problems", "Problems"],
  ["/docs/commands", "Commands"],
  ["/docs/settings", "Settings"],
] as const;

/** The sources and the bundle are at different depths in it. */
function packageFolder(folder: string): string {
  const parent = dirname(folder);
  return existsSync(join(folder, "package.json")) || parent === folder ? folder : packageFolder(parent);
}
