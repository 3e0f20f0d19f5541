import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { run } from "./world/spawn.ts";

/** Each may import itself and what is below it. */
const HOUSE = [
  "cli",
  "commands",
  "agent",
  "options",
  "consul",
  "sources",
  "settings",
  "certificates",
  "keys",
  "render",
  "apply",
  "probe",
  "state",
  "report",
  "base",
];
/** Values in, values out: no file system, no clock, no Consul, no randomness. */
const PURE = ["settings", "render"];

const sources = await readSources();

test("every source file has its place in the house", () => {
  expect(sources.filter(({ place }) => !HOUSE.includes(place)).map(({ path }) => path)).toEqual([]);
});

test("imports point downwards only", () => {
  const upwards = sources.flatMap(({ path, place, imports }) =>
    imports
      .filter((target) => target.startsWith("."))
      .map((target) => normalize(join(dirname(path), target)))
      .filter((target) => target.startsWith("src/") && HOUSE.indexOf(placeOf(target)) < HOUSE.indexOf(place))
      .map((target) => `${path} imports ${target}`),
  );
  expect(upwards).toEqual([]);
});

test("only the demo reaches into the test world", () => {
  const outside = sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => target.startsWith("."))
      .map((target) => normalize(join(dirname(path), target)))
      .filter((target) => target.startsWith("test/") && !/^src\/commands\/demo/.test(path))
      .map((target) => `${path} imports ${target}`),
  );
  expect(outside).toEqual([]);
});

test("settings and render are pure", () => {
  const impure = sources
    .filter(({ place }) => PURE.includes(place))
    .flatMap(({ path, text, imports }) => [
      ...imports.filter((target) => target.startsWith("node:")).map((target) => `${path} imports ${target}`),
      ...(text.match(/\b(Date\.now|new Date\(\)|Math\.random|process\.|fetch\()/g) ?? []).map(
        (word) => `${path} uses ${word}`,
      ),
    ]);
  expect(impure).toEqual([]);
});

test("only cli.ts reads the process's arguments and environment, ends it or listens to its signals", () => {
  const users = sources
    .filter(({ path }) => path !== "src/cli.ts")
    .flatMap(({ path, text }) =>
      (text.match(/\bprocess\.(argv|env|exit|exitCode|on|once)\b/g) ?? []).map((word) => `${path}: ${word}`),
    );
  expect(users).toEqual([]);
});

// Of a CommonJS package the bundle gives only `default`, where Node finds its names too: what runs here from the
// sources would break in the published package.
test("only the default export of a lazily loaded package is used", () => {
  const named = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^.*\bimport\(\s*"(?![.]|node:)([^"]+)"\s*\).*$/gm)]
      .filter(
        ([line]) => !/import\([^)]*\)\)\.default\b|\{\s*default\b[^,}]*\}\s*=\s*await import/.test(line),
      )
      .map(([, target]) => `${path} uses names of ${target}`),
  );
  expect(named).toEqual([]);
});

test("the lock file and the tracked files name no package registry", async () => {
  const lock = await readFile("package-lock.json", "utf8");
  expect(lock).not.toContain('"resolved"');
  const tracked = (await run("git", ["ls-files"])).split("\n").filter((path) => path !== "");
  const named: string[] = [];
  for (const path of tracked) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (/\b(registry\.[a-z]+js\.org|registry\.yarnpkg\.com|npm\.pkg\.[a-z]+\.com)\b/.test(text))
      named.push(path);
  }
  expect(named).toEqual([]);
});

interface Source {
  /** From the checkout, such as `src/keys/load.ts`. */
  readonly path: string;
  readonly place: string;
  readonly text: string;
  readonly imports: readonly string[];
}

async function readSources(): Promise<readonly Source[]> {
  const names = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts"));
  return Promise.all(
    names.sort().map(async (name) => {
      const path = join("src", name);
      const text = await readFile(path, "utf8");
      const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
        ([, target]) => target ?? "",
      );
      return { path, place: placeOf(path), text, imports };
    }),
  );
}

/** `src/keys/load.ts` belongs to `keys`, `src/cli.ts` to `cli`. */
function placeOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}
