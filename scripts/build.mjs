// Bundles the agent and everything that it uses into dist/: the published package has no dependencies, and a
// command loads only the chunks that it needs. Runs on the project's own Node, after `npm ci`.

import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { lazyBuiltins } from "./lazy-builtins.mjs";
import { licencesOf } from "./licences.mjs";
import { releasesIn } from "./release/changelog.mjs";
import { sbomOf } from "./sbom.mjs";

const CHECKOUT = dirname(dirname(fileURLToPath(import.meta.url)));
/** The oldest Node that the agent runs on; the same number is in package.json. */
const OLDEST_NODE = "22.12";
const NODE_REFUSED_EXIT_CODE = 78;

// CommonJS packages in an ES module call `require` for Node's own modules.
const REQUIRE = 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);';

/**
 * The agent waits nearly all of its time, so memory matters more than speed: a young generation of 1 MB instead of 16,
 * no compilers, no threads of V8's own, and a way to collect garbage at rest. Every Node from 20 to 26 knows these flags.
 */
const V8_FLAGS = "--max-semi-space-size=1 --no-opt --no-maglev --no-sparkplug --single-threaded --expose-gc";

/** `entry` and `out` are arguments so that the build itself can be tried on something small. */
export async function bundle({ entry, out }) {
  const { metafile, outputFiles } = await build({
    entryPoints: { main: entry },
    outdir: join(out, "lib"),
    absWorkingDir: CHECKOUT,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    minifySyntax: true,
    minifyWhitespace: true,
    // So that the place in a stack trace can be looked at.
    lineLimit: 120,
    // A library that asks for it would load much of Node to find that this is no browser.
    define: { navigator: "undefined" },
    plugins: [lazyBuiltins],
    sourcemap: false,
    // Where node_modules is a link, the bundle must not say where that leads.
    preserveSymlinks: true,
    legalComments: "none",
    banner: { js: REQUIRE },
    metafile: true,
    logLevel: "warning",
    write: false,
  });
  // What was built before stays until there is something to put in its place.
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "lib"), { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  writeFileSync(join(out, "cli.js"), launcher(), { mode: 0o755 });
  chmodSync(join(out, "cli.js"), 0o755);
  writeFileSync(join(out, "THIRD-PARTY-LICENSES.txt"), licencesOf(metafile, CHECKOUT));
  writeFileSync(join(out, "sbom.cdx.json"), sbomOf(metafile, CHECKOUT));
}

/**
 * What `mastodon-agent` starts: a few lines that any Node understands, so that one too old is told so instead
 * of failing on syntax.
 *
 * The `--` in the first line is for `--env-file`, which older units pass: Node looks for that name in the whole command
 * line, behind the script's too, and takes NODE_OPTIONS from the file, or ends with 9 if the file does not exist. (Node's compile cache was measured: 10 ms of 60, for a folder in /tmp that others could
 * have prepared.)
 */
function launcher() {
  return `#!/usr/bin/env -S node ${V8_FLAGS} --
const [major, minor] = process.versions.node.split(".").map(Number);
const [oldestMajor, oldestMinor] = [${OLDEST_NODE.split(".").join(", ")}];
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  console.error(
    "mastodon-agent: this is Node " + process.versions.node + ". Install Node ${OLDEST_NODE} or newer.",
  );
  process.exit(${NODE_REFUSED_EXIT_CODE});
}
const isTaken = (word) => /^--env-file(-if-exists)?(=|$)/.test(word);
const isOwnStart = process.execArgv.join(" ") === "${V8_FLAGS}";
if (process.execArgv.some(isTaken) || (!isOwnStart && process.argv.some(isTaken))) {
  console.error(
    "mastodon-agent: --env-file: Node took this option as its own and read the file by its own rules. " +
      "Write --environment FILE after the command instead.",
  );
  process.exit(${NODE_REFUSED_EXIT_CODE});
}
// zod, do not make programs for what is parsed a few times.
globalThis.__zod_globalConfig = { jitless: true };
await import("./lib/main.js");
`;
}

async function writeSchema(out) {
  const source = join(CHECKOUT, "src", "options", "json-schema.ts");
  if (!existsSync(source)) return;
  const { configJsonSchema } = await import(pathToFileURL(source).href);
  writeFileSync(join(out, "config.schema.json"), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}

async function writeManual(out) {
  const { manPage } = await import("./man.mjs");
  const { version } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8"));
  const date = dateOfSources();
  mkdirSync(join(out, "man"), { recursive: true });
  writeFileSync(join(out, "man", "mastodon-agent.1"), manPage({ version, date }));
}

/**
 * That of the newest release, so that it is built to the same bytes on any day; today before there is one.
 * `SOURCE_DATE_EPOCH` goes before it (reproducible-builds.org).
 */
function dateOfSources() {
  const seconds = process.env.SOURCE_DATE_EPOCH;
  if (seconds !== undefined) return new Date(Number(seconds) * 1000);
  const [newest] = releasesIn(readFileSync(join(CHECKOUT, "CHANGELOG.md"), "utf8"));
  return newest === undefined ? new Date() : new Date(newest.date);
}

function copyTemplates(out) {
  mkdirSync(join(out, "templates"), { recursive: true });
  cpSync(join(CHECKOUT, "templates"), join(out, "templates"), { recursive: true });
}

/** The status page reads them from beside its module, which is a chunk in lib/ here. */
function copyAssets(out) {
  const filter = (path) => !path.endsWith("tsconfig.json");
  cpSync(join(CHECKOUT, "src", "report", "page", "assets"), join(out, "lib", "assets"), {
    recursive: true,
    filter,
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [entry = "src/cli.ts", out = "dist"] = process.argv.slice(2);
  const folder = resolve(CHECKOUT, out);
  try {
    await bundle({ entry: resolve(CHECKOUT, entry), out: folder });
    copyTemplates(folder);
    copyAssets(folder);
    await writeSchema(folder);
    await writeManual(folder);
  } catch (error) {
    // What does not build has been shown by esbuild already, with file and line.
    if (!("errors" in error)) throw error;
    process.exitCode = 1;
  }
}
