// npm's packages, among them the Node that everything else of the project runs on.

import { readFileSync } from "node:fs";
import { CHECKOUT, inCheckout } from "./paths.mjs";
import { isExecutable, run } from "./run.mjs";

export const npmStep = {
  title: "npm packages",

  missing() {
    return !(isInstalledAsLocked() && hasNode());
  },

  brings: () => ["node_modules/", "npm packages, including the Node that everything else runs on"],

  async bring(_missing, { detail }) {
    // Two packages have an install script; without the one of `node` there is no Node to run on.
    await run("npm", ["ci", "--ignore-scripts=false", "--loglevel=error"], { cwd: CHECKOUT, detail });
    if (!hasNode()) {
      throw new Error(
        "node_modules/.bin/node is missing although npm succeeded: its install script did not run.\n" +
          "Type: npm rebuild node --ignore-scripts=false",
      );
    }
  },
};

/**
 * npm writes down what it has installed at the end of each installation; compared with what the lock file
 * asks for. Packages for other platforms are optional and not installed here.
 */
function isInstalledAsLocked() {
  const wanted = packagesOf(inCheckout("package-lock.json"));
  const installed = packagesOf(inCheckout("node_modules", ".package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    return installed[path] === undefined ? optional === true : installed[path].version === version;
  });
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function hasNode() {
  return isExecutable(inCheckout("node_modules", ".bin", "node"));
}
