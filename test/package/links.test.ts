import { access, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";

interface Link {
  readonly from: string;
  readonly to: string;
  /** After the `#`; empty where there is none. */
  readonly anchor: string;
}

const PLACES = [".", "docs", "packaging"];
const pages = await pagesOfTheCheckout();

test("every relative link on every page leads to a file, and to a heading if it names one", async () => {
  const links = [...pages].flatMap(([from, text]) => linksIn(from, text));
  expect(links.length).toBeGreaterThan(100);
  const broken = await Promise.all(
    links.map(async ({ from, to, anchor }) => {
      const page = pages.get(to);
      const leads = page === undefined ? await isThere(to) : anchor === "" || anchorsOf(page).has(anchor);
      return leads ? [] : [`${from}: ${to}${anchor === "" ? "" : `#${anchor}`}`];
    }),
  );
  expect(broken.flat()).toEqual([]);
});

test("every page of docs/ can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const from of reached)
    for (const { to } of linksIn(from, pages.get(from) ?? "")) if (pages.has(to)) reached.add(to);
  expect([...pages.keys()].filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
});

/** By path from the top. */
async function pagesOfTheCheckout(): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    PLACES.map(async (place) => (await pagesIn(place)).map((name) => path.join(place, name))),
  );
  const texts = found.flat().map(async (name) => readFile(path.join(checkout(), name), "utf8"));
  const contents = await Promise.all(texts);
  return new Map(found.flat().map((name, at) => [name, withoutCode(contents[at] ?? "")]));
}

async function pagesIn(place: string): Promise<readonly string[]> {
  const names = await readdir(path.join(checkout(), place), { recursive: place !== "." });
  return names.filter((name) => name.endsWith(".md"));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, "");
}

function linksIn(from: string, text: string): readonly Link[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      return { from, to: file === "" ? from : path.join(path.dirname(from), file), anchor };
    });
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
  return new Set(
    headings.map((heading) => heading.replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-")),
  );
}

async function isThere(file: string): Promise<boolean> {
  return access(path.join(checkout(), file)).then(
    () => true,
    () => false,
  );
}
