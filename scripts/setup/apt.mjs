// apt-get with lists and downloads in a folder of its own: it needs no root, and changes nothing of the machine.

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.mjs";

/**
 * It reads the machine's sources, keys and list of installed packages unless `settings` say otherwise.
 *
 * @param {string[]} settings as `apt-get -o` takes them
 */
export function ownApt(folder, { settings = [], detail } = {}) {
  const [lists, cache, downloads] = ["lists", "cache", "downloads"].map((name) => join(folder, name));
  for (const partial of [join(lists, "partial"), join(cache, "archives", "partial"), downloads]) {
    mkdirSync(partial, { recursive: true });
  }
  const own = [
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${cache}`,
    "Acquire::Languages=none",
    // Otherwise apt drops to a user who may not write here.
    "APT::Sandbox::User=root",
    ...settings,
  ].flatMap((setting) => ["-o", setting]);
  const aptGet = (...argv) =>
    run("apt-get", [...own, ...argv], { cwd: downloads, env: { LC_ALL: "C" }, detail });
  return {
    update: () => aptGet("update"),
    plan: async (packages) =>
      planOf(await aptGet("--simulate", "--no-install-recommends", "install", ...packages)),
    /** Paths of the archives; apt has checked their signatures. */
    download: async (packages) => {
      await aptGet("download", ...packages);
      return readdirSync(downloads).map((name) => join(downloads, name));
    },
  };
}

/**
 * What a simulated installation would do: names of new packages, and those that it would upgrade or remove.
 * The lines are `Inst NAME (VERSION ...)`, `Inst NAME [OLD] (VERSION ...)` and `Remv NAME [OLD]`.
 */
export function planOf(output) {
  const names = (line) => [...output.matchAll(line)].map(([, name]) => name);
  return {
    installs: names(/^Inst (\S+) \(/gm),
    upgrades: names(/^Inst (\S+) \[/gm),
    removes: names(/^Remv (\S+)/gm),
  };
}

/** Names of the packages that are installed here; undefined where packages are not Debian's. */
export async function installedPackages() {
  try {
    // Asked for single names dpkg-query fails when it does not know one: take the whole list, `ii` is installed.
    const output = await run("dpkg-query", ["--list", "--no-pager"]);
    return new Set([...output.matchAll(/^ii\s+([^\s:]+)/gm)].map(([, name]) => name));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
