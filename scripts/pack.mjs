// Makes what is published of a checkout: the tarball, its bill of materials and the checksums of both. The same commit,
// packed anywhere with the same npm, gives the same bytes.
//
//   node scripts/pack.mjs [FOLDER]     (release/ where none is given)

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CHECKOUT, inCheckout } from "./setup/paths.mjs";

/** Builds and packs into an empty folder; the names of the files that it then has. */
export function pack(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync(process.execPath, [inCheckout("scripts", "build.mjs")], { cwd: CHECKOUT, stdio: "inherit" });
  levelModes(npmPack("--dry-run"));
  const { filename } = npmPack("--pack-destination", folder);
  const sbom = filename.replace(/\.tgz$/, ".cdx.json");
  cpSync(inCheckout("dist", "sbom.cdx.json"), join(folder, sbom));
  writeFileSync(join(folder, "SHA256SUMS"), [filename, sbom].map((name) => checksum(folder, name)).join(""));
  return [filename, sbom, "SHA256SUMS"];
}

/** npm itself gives every file one time and one owner, and the list one order. */
function npmPack(...flags) {
  const argv = ["pack", "--ignore-scripts", "--json", "--loglevel=error", ...flags];
  const stdio = ["ignore", "pipe", "inherit"];
  return packedIn(execFileSync("npm", argv, { cwd: CHECKOUT, encoding: "utf8", stdio }));
}

/** What `npm pack --json` says of the one package: in a list, since npm 12 in an object by name. */
export function packedIn(json) {
  const [packed] = Object.values(JSON.parse(json));
  return packed;
}

/** git knows of a mode only whether a file is a program; the rest comes from the umask of whoever checked it out. */
function levelModes({ files }) {
  for (const { path } of files) {
    const file = inCheckout(path);
    chmodSync(file, statSync(file).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** A line as sha256sum(1) writes and checks it. */
function checksum(folder, name) {
  return `${createHash("sha256")
    .update(readFileSync(join(folder, name)))
    .digest("hex")}  ${name}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2] ?? inCheckout("release"));
  for (const name of pack(folder)) console.log(join(folder, name));
}
