// Makes a release. Without --commit it says what it would do and changes nothing.
//
//   npm run release -- 0.2.0
//   npm run release -- 0.2.0 --commit

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { pack } from "./pack.mjs";
import { released, releasesIn, unreleasedIn } from "./release/changelog.mjs";
import { isOlder, isVersion } from "./release/version.mjs";
import { CHECKOUT, inCheckout } from "./setup/paths.mjs";

const CHANGED = ["package.json", "package-lock.json", "CHANGELOG.md"];
const USAGE = "usage: npm run release -- VERSION [--commit | --dry-run]";

process.exitCode = release(process.argv.slice(2));

function release(argv) {
  const asked = understood(argv);
  if (asked === undefined) {
    console.error(USAGE);
    return 64;
  }
  const { version, commits } = asked;
  const refusals = refusalsOf(version);
  for (const refusal of refusals) console.error(`refused: ${refusal}`);
  if (refusals.length > 0) return 65;
  const date = new Date().toISOString().slice(0, 10);
  if (commits) carryOut(version, date);
  else console.log(planOf(version, date).join("\n"));
  return 0;
}

function understood(argv) {
  const options = { commit: { type: "boolean" }, "dry-run": { type: "boolean" } };
  try {
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
    const [version, ...others] = positionals;
    if (!isVersion(version ?? "") || others.length > 0 || (values.commit && values["dry-run"]))
      return undefined;
    return { version, commits: values.commit === true };
  } catch {
    return undefined;
  }
}

/** All that is wrong, at once. */
function refusalsOf(version) {
  const changelog = text("CHANGELOG.md");
  const { version: current } = JSON.parse(text("package.json"));
  const known = releasesIn(changelog).map((made) => made.version);
  return [
    ...(git("status", "--porcelain") === "" ? [] : ["the tree is not clean: commit or remove what is in it"]),
    ...(git("tag", "--list", tagOf(version)) === "" ? [] : [`there is already a tag ${tagOf(version)}`]),
    ...(isOlder(version, current) ? [`${version} is older than the ${current} in package.json`] : []),
    ...(known.includes(version) ? [`CHANGELOG.md already has ${version}`] : []),
    ...(unreleasedIn(changelog) === "" ? ['CHANGELOG.md has nothing below "## Unreleased"'] : []),
  ];
}

function planOf(version, date) {
  return [
    `package.json, package-lock.json: version ${version}`,
    `CHANGELOG.md: what is unreleased becomes "## ${version} - ${date}"`,
    "release/: the tarball, its bill of materials (CycloneDX), SHA256SUMS",
    `git: a commit "Release ${version}" of these three files, and the tag ${tagOf(version)}`,
    "Nothing was changed. To do it, add --commit.",
  ];
}

function carryOut(version, date) {
  const before = CHANGED.map((name) => [name, text(name)]);
  try {
    write("package.json", withVersion(text("package.json"), version));
    write("package-lock.json", withVersion(text("package-lock.json"), version));
    write("CHANGELOG.md", released(text("CHANGELOG.md"), { version, date }));
    for (const name of pack(inCheckout("release"))) console.log(`release/${name}`);
    git("commit", "--quiet", "--message", `Release ${version}`, "--", ...CHANGED);
  } catch (error) {
    for (const [name, content] of before) write(name, content);
    throw error;
  }
  git("tag", "--annotate", "--message", `Release ${version}`, tagOf(version));
  console.log(`${tagOf(version)} is committed and tagged. Push it: git push --follow-tags`);
  console.log(`Publish the package: npm publish release/*.tgz`);
}

/** npm's own two places: the package itself, and its entry in the lock file. */
function withVersion(json, version) {
  const document = JSON.parse(json);
  const own = document.packages?.[""];
  const packages = own && { ...document.packages, "": { ...own, version } };
  return `${JSON.stringify({ ...document, version, ...(packages && { packages }) }, null, 2)}\n`;
}

function tagOf(version) {
  return `v${version}`;
}

function git(...argv) {
  return execFileSync("git", argv, { cwd: CHECKOUT, encoding: "utf8" }).trim();
}

function text(name) {
  return readFileSync(inCheckout(name), "utf8");
}

function write(name, content) {
  writeFileSync(inCheckout(name), content);
}
