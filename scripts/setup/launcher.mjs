// The shell script that starts an unpacked program with all that it needs. It finds its own folder, so that a
// checkout can be moved.

import { readdirSync } from "node:fs";
import { join } from "node:path";

/** `*` is any part of a name, `#` a version. */
const LIBRARIES = ["usr/lib/*-linux-*", "lib/*-linux-*", "usr/lib/syslog-ng"];
const RUBY_LIBRARIES = [
  "usr/lib/ruby/vendor_ruby/#",
  "usr/lib/*-linux-*/ruby/vendor_ruby/#",
  "usr/lib/ruby/vendor_ruby",
  "usr/lib/ruby/#",
  "usr/lib/*-linux-*/ruby/#",
];
const GEMS = [
  "var/lib/gems/#",
  "usr/lib/ruby/gems/#",
  "usr/lib/*-linux-*/ruby/gems/#",
  "usr/share/rubygems-integration/#",
  "usr/share/rubygems-integration/all",
  "usr/lib/*-linux-*/rubygems-integration/#",
];

/**
 * Whatever is not in `folder` is the machine's.
 *
 * @param {object} program
 * @param {string} program.path in its package
 * @param {true} [program.ruby] if it is a Ruby script
 * @param {Record<string, string>} [program.env] variables that are places in the folder
 * @throws Error where neither the folder nor the machine has it
 */
export function launcher(folder, { path, ruby, env = {} }) {
  const inFolder = (patterns) => found(folder, patterns).map((place) => join("$root", place));
  const anywhere = (patterns) => [
    ...inFolder(patterns),
    ...found("/", patterns).map((place) => join("/", place)),
  ];
  const [program] = anywhere([path]);
  if (program === undefined) throw new Error(`none of the packages has ${path}`);
  const [interpreter] = ruby ? anywhere(["usr/bin/ruby"]) : [];
  const variables = {
    LD_LIBRARY_PATH: inFolder(LIBRARIES),
    RUBYLIB: inFolder(RUBY_LIBRARIES),
    GEM_PATH: anywhere(GEMS),
    ...Object.fromEntries(Object.entries(env).map(([name, place]) => [name, inFolder([place])])),
  };
  return [
    "#!/bin/sh",
    'root=$(dirname "$(dirname "$(readlink -f "$0")")")',
    ...Object.entries(variables)
      .filter(([, places]) => places.length > 0)
      .map(([name, places]) => `export ${name}="${places.join(":")}"`),
    `exec ${[interpreter, program]
      .filter(Boolean)
      .map((word) => `"${word}"`)
      .join(" ")} "$@"`,
    "",
  ].join("\n");
}

function found(root, patterns) {
  return patterns.flatMap((pattern) => matches(root, pattern.split("/")));
}

function matches(folder, [segment, ...rest]) {
  if (segment === undefined) return [""];
  const wanted = new RegExp(`^${segment.replaceAll("*", ".*").replaceAll("#", "\\d[\\d.]*")}$`);
  return namesIn(folder)
    .filter((name) => wanted.test(name))
    .flatMap((name) => matches(join(folder, name), rest).map((below) => join(name, below)));
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
