#!/usr/bin/env node
/**
 * Lists the variables that Mastodon reads, from its sources: who reads each, and since and until which version. Run by
 * hand for a new version of Mastodon; `test/settings/mastodon-variables.test.ts` then names what our table lacks.
 *
 *   node scripts/mastodon-variables.mjs PATH/TO/mastodon [TAG...]
 *
 * The path is a clone with its tags. Without tags, the newest of each minor version from 4.3 on. `biome check --write`
 * then brings the list into its form.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";

const OLDEST_MINOR = 3;
const LIST = path.join(import.meta.dirname, "..", "test", "settings", "fixtures", "mastodon-variables.json");

/** Not part of a running site: the browser's code, tasks that are run by hand, other environments than production. */
const SOURCES = [
  ...["app", "config", "lib", "streaming", "config.ru"],
  ...["app/javascript", "lib/tasks", "streaming/*test*", "streaming/*.config.*"].map((no) => `:!${no}`),
  ...["config/environments/development.rb", "config/environments/test.rb"].map((no) => `:!${no}`),
];

/** What stands in a name for something that is only known when it runs, by file. */
const PLACEHOLDERS = {
  "lib/mastodon/redis_configuration.rb": { prefix: ["REDIS_", "CACHE_REDIS_", "SIDEKIQ_REDIS_"] },
};

const [repository, ...given] = process.argv.slice(2);
if (repository === undefined) throw new Error("Usage: mastodon-variables.mjs PATH/TO/mastodon [TAG...]");
const versions = (given.length > 0 ? given : newestOfEachMinor()).map(readVersion);
writeFileSync(LIST, `${JSON.stringify(summary(versions), null, 2)}\n`);

function newestOfEachMinor() {
  const tags = git("tag", "--list", "v4.*", "--sort=version:refname").split("\n");
  const newest = new Map();
  for (const tag of tags) {
    const [, minor] = /^v4\.(\d+)\.\d+$/.exec(tag) ?? [];
    if (Number(minor) >= OLDEST_MINOR) newest.set(minor, tag);
  }
  return [...newest.values()];
}

/** The variables of one version, with their readers. */
function readVersion(tag) {
  const readers = new Map();
  for (const { file, text, isBeforeDotenv } of linesOf(tag)) {
    for (const name of namesIn(text, file)) {
      readers.set(name, (readers.get(name) ?? new Set()).add(readerOf(file, isBeforeDotenv)));
    }
  }
  return { tag, minor: tag.replace(/^v(\d+\.\d+).*/, "$1"), readers };
}

/** Lines that may read the environment. Rails loads `.env.production` when its application class is defined. */
function* linesOf(tag) {
  const found = git("grep", "-n", "-I", "-E", "ENV|env\\.|class Application <", tag, "--", ...SOURCES);
  let isDefined = false;
  for (const line of found.split("\n")) {
    const [, file = "", text = ""] = /^[^:]+:([^:]+):\d+:(.*)$/.exec(line) ?? [];
    if (file !== "config/application.rb") isDefined = false;
    if (text.includes("class Application <")) isDefined = true;
    if (/^\s*(#|\/\/|\*)/.test(text)) continue;
    yield { file, text, isBeforeDotenv: file === "config/application.rb" && !isDefined };
  }
}

function namesIn(text, file) {
  const found = file.startsWith("streaming/")
    ? [...text.matchAll(/\benv\.([A-Z][A-Z0-9_]*)/g)]
    : [
        ...text.matchAll(/\bENV(?:\.fetch\(|\.key\?\()\s*['"]([A-Za-z#][\w#{}]*)['"]/g),
        ...text.matchAll(/\bENV\[['"]([A-Za-z#][\w#{}]*)['"]\](?!\s*=[^=~])/g),
      ];
  return found.flatMap(([, name]) => spelledOut(name, file));
}

function spelledOut(name, file) {
  const [placeholder, inner] = /#\{(\w+)\}/.exec(name) ?? [];
  if (placeholder === undefined) return [name];
  const values = PLACEHOLDERS[file]?.[inner];
  if (values === undefined) throw new Error(`${file}: say in PLACEHOLDERS what ${placeholder} may be`);
  return values.map((value) => name.replace(placeholder, value));
}

/** `puma` and `sidekiq` are read before Rails, and with it `.env.production`, is loaded. */
function readerOf(file, isBeforeDotenv) {
  if (file.startsWith("streaming/")) return "streaming";
  if (file === "config/puma.rb") return "puma";
  if (file === "config/sidekiq.yml") return "sidekiq";
  return isBeforeDotenv || file === "config/boot.rb" ? "rails before dotenv" : "rails";
}

function summary(all) {
  const names = [...new Set(all.flatMap(({ readers }) => [...readers.keys()]))].sort();
  return {
    tags: all.map(({ tag }) => tag),
    variables: Object.fromEntries(names.map((name) => [name, historyOf(name, all)])),
  };
}

/** In no version before `since`, and in none from `removed` on. */
function historyOf(name, all) {
  const having = all.filter(({ readers }) => readers.has(name));
  const [first, last] = [all.indexOf(having[0]), all.indexOf(having.at(-1))];
  return {
    readers: [...new Set(having.flatMap(({ readers }) => [...readers.get(name)]))].sort(),
    ...(first > 0 && { since: all[first].minor }),
    ...(last < all.length - 1 && { removed: all[last + 1].minor }),
  };
}

function git(...words) {
  return execFileSync("git", ["-C", repository, ...words], { encoding: "utf8", maxBuffer: 2 ** 28 });
}
