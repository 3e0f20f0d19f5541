import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SETUP = "on Debian `npm start` and `npm test` bring it, elsewhere it has to be installed";
/** Where Debian keeps what is not on everyone's PATH. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Launchers of what is not installed but unpacked: the set-up makes them all, or none (`scripts/setup/unpacked.mjs`). */
const UNPACKED = [world("demo", "bin"), world("tests", "bin")];

/** Every real program of the test world and what brings it. */
const PROGRAMS = {
  consul: `${SETUP}, or CONSUL_BIN set to one`,
  "redis-server": SETUP,
  "redis-cli": SETUP,
  nginx: SETUP,
  "syslog-ng": SETUP,
  puma: SETUP,
  sidekiq: SETUP,
  ruby: SETUP,
  openssl: SETUP,
  postgres: SETUP,
  initdb: SETUP,
  psql: SETUP,
  patroni: `${SETUP}, or PATRONI_BIN set to one`,
  "redis-sentinel": SETUP,
  pebble: SETUP,
  chromium: SETUP,
  "pebble-challtestsrv": SETUP,
  prometheus: SETUP,
  promtool: SETUP,
} as const;

export type ProgramName = keyof typeof PROGRAMS;

/** The absolute path of a program; the error says how to get it. */
export function program(name: ProgramName): string {
  const found = candidates(name).find(isExecutable);
  if (found === undefined) throw new Error(`${name} is not here: ${PROGRAMS[name]}`);
  return found;
}

/** The checkout: the nearest folder upwards that has a package.json, from the sources and from the bundle. */
export function checkout(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no package.json above this file: is this a checkout?");
    folder = parent;
  }
  return folder;
}

function candidates(name: ProgramName): readonly string[] {
  const inFolders = (folders: readonly string[]) => folders.map((folder) => join(folder, name));
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = inFolders([...path, ...SYSTEM_FOLDERS]);
  switch (name) {
    case "consul":
      return [...explicit("CONSUL_BIN"), ...onPath, ...inFolders([world("bin")])];
    case "patroni":
      return [...explicit("PATRONI_BIN"), ...onPath];
    case "postgres":
    case "initdb":
    case "psql":
      return [...inFolders(UNPACKED), ...debianPostgres(name), ...onPath];
    case "ruby":
    case "puma":
    case "sidekiq":
      // A Ruby of the user's own has not the gems of Debian's.
      return inFolders([...UNPACKED, ...SYSTEM_FOLDERS]);
    default:
      return [...inFolders(UNPACKED), ...onPath];
  }
}

/** In the folder that the set-up fills. */
function world(...names: readonly string[]): string {
  return join(checkout(), ".world", ...names);
}

/** A program of one's own choice, such as another version. */
function explicit(variable: string): readonly string[] {
  const path = process.env[variable];
  return path === undefined || path === "" ? [] : [path];
}

/** Debian keeps the servers of each major version beside each other, off the PATH: the newest. */
function debianPostgres(name: string): readonly string[] {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, "bin", name));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
