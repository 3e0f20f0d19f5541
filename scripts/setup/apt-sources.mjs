// The machine's own Debian mirror, from both spellings of apt's list of sources.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SUITES = [
  "bullseye",
  "bookworm",
  "trixie",
  "forky",
  "sid",
  "stable",
  "oldstable",
  "testing",
  "unstable",
];

/** The address of the mirror that serves a Debian release here, or undefined. */
export function debianMirror(folder = "/etc/apt") {
  const entries = sourceFiles(folder).flatMap((file) => {
    const text = readFileSync(file, "utf8");
    return file.endsWith(".sources") ? stanzas(text) : lines(text);
  });
  const debian = entries.filter(({ suites, components }) => {
    return components.includes("main") && suites.some((suite) => SUITES.includes(suite));
  });
  return debian.flatMap(({ uris }) => uris).find((uri) => !uri.startsWith("cdrom:"));
}

function sourceFiles(folder) {
  const parts = join(folder, "sources.list.d");
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const files = [join(folder, "sources.list"), ...names.map((name) => join(parts, name))];
  return files.filter((file) => /\.(list|sources)$/.test(file) && existsSync(file));
}

/** The older spelling: `deb [options] URI suite component...`. */
function lines(text) {
  return text.split("\n").flatMap((line) => {
    const [, uri, suite, components] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line) ?? [];
    return uri === undefined ? [] : [{ uris: [uri], suites: [suite], components: words(components) }];
  });
}

/** The newer one (deb822): stanzas of `Field: value`, a value may go on in indented lines. */
function stanzas(text) {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, "");
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const unfolded = stanza.replaceAll(/\n[ \t]+/g, " ");
    const field = (name) => new RegExp(`^${name}:(.*)$`, "im").exec(unfolded)?.[1] ?? "";
    const enabled = !/^(no|false|0|off)$/i.test(field("Enabled").trim());
    if (!enabled || !words(field("Types")).includes("deb")) return [];
    return [
      { uris: words(field("URIs")), suites: words(field("Suites")), components: words(field("Components")) },
    ];
  });
}

function words(text) {
  return text.split(/\s+/).filter((word) => word !== "");
}
