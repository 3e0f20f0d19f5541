// What is bundled, as a CycloneDX document (https://cyclonedx.org/docs/1.6/json/): for those who ask whether a package
// with a known hole is in what they run. `npm sbom` knows what is installed for development, not what is in the bundle.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageFolders } from "./licences.mjs";

/** Without a time and a number of its own: the same sources make the same document. */
export function sbomOf(metafile, checkout) {
  const own = manifestOf(checkout);
  const { packages: locked } = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8"));
  const components = packageFolders(metafile).map((folder) => ({
    type: "library",
    ...described(manifestOf(join(checkout, folder))),
    scope: "required",
    ...hashes(locked[folder]?.integrity),
  }));
  const unique = [...new Map(components.map((component) => [component.purl, component])).values()];
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { lifecycles: [{ phase: "build" }], component: { type: "application", ...described(own) } },
    components: unique,
    dependencies: [{ ref: purlOf(own), dependsOn: unique.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function described(manifest) {
  const { name, version, license } = manifest;
  const [, group, rest] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  return {
    "bom-ref": purlOf(manifest),
    ...(group === undefined ? { name } : { group, name: rest }),
    version,
    purl: purlOf(manifest),
    ...(license === undefined ? {} : { licenses: [licenceOf(license)] }),
  };
}

/** https://github.com/package-url/purl-spec: the @ of a scope is percent-encoded. */
function purlOf({ name, version }) {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

/** An expression of SPDX's has operators. */
function licenceOf(license) {
  return license.includes(" ") ? { expression: license } : { license: { id: license } };
}

/** The lock file has base64, CycloneDX wants hex; it is the hash of the package's own tarball. */
function hashes(integrity) {
  const [, base64] = /^sha512-(.+)$/.exec(integrity ?? "") ?? [];
  if (base64 === undefined) return {};
  return { hashes: [{ alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") }] };
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
