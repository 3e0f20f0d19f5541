// The licence texts of the packages whose code is in the bundle.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const RULE = `\n${"-".repeat(80)}\n\n`;

/** One text of all licences, after esbuild's list of what it read. */
export function licencesOf(metafile, checkout) {
  const parts = packageFolders(metafile).map((folder) => licenceOf(join(checkout, folder)));
  return ["mastodon-agent contains code of these packages.\n", ...parts].join(RULE);
}

/** Where the packages are whose code is in the bundle, from the checkout, in one order for all machines. */
export function packageFolders(metafile) {
  return [...new Set(Object.keys(metafile.inputs).flatMap(packageFolder))].sort();
}

/** `node_modules/a/node_modules/@b/c/lib/x.js` belongs to `node_modules/a/node_modules/@b/c`. */
function packageFolder(input) {
  const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
  return folder === undefined ? [] : [folder];
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const path = file === undefined ? undefined : join(folder, file);
  const text = path !== undefined && existsSync(path) ? readFileSync(path, "utf8") : `${license}\n`;
  return `${name} ${version} (${license})\n\n${text}`;
}
