/** The file with a jail's parameters: `pot` writes one at every start, and it can be written by hand. */
import { readFileSync, type Stats, statSync } from "node:fs";
import { denied, ownName, runAs, userName } from "../base/access.ts";
import { type Complaint, codeOf, Misconfigured, messageOf } from "../base/errors.ts";
import type { Environment, Origins } from "./environment.ts";

/** Which files are read, and why these. */
export interface EnvFiles {
  /** In this order, a later one takes precedence; each has to exist. */
  readonly read: readonly string[];
  /** What names them, for a message. */
  readonly namedBy: string;
  /** The places that were searched. */
  readonly searched: readonly string[];
}

/** The variables of the process and of the files together. */
export interface GivenVariables extends Origins {
  readonly environment: Environment;
}

/**
 * Merges the process environment over the files: what was exported by hand wins. A file is read, never run: `$` and
 * backticks are literal.
 *
 * @throws Misconfigured for a file that cannot be read, that others can write, or that has any other kind of line;
 * those are named by their numbers, never by their content
 */
export function withEnvFiles(
  environment: Environment,
  { read, namedBy, searched }: EnvFiles,
): GivenVariables {
  const files = read.map((path) => ({ path, ...parseEnvFile(textOf(path, namedBy)) }));
  const [first, ...others] = files.flatMap(({ path, unreadable }) =>
    unreadable.map((line) => complaint(path, line)),
  );
  if (first !== undefined) throw new Misconfigured(first, { others });
  const exported = Object.entries(environment).filter(([, text]) => text !== undefined && text !== "");
  const found = files.flatMap(({ path, variables }) =>
    [...variables].map(([name, { text, line }]) => ({ name, text, place: `${path}:${line}` })),
  );
  return {
    environment: Object.fromEntries([...found.map(({ name, text }) => [name, text]), ...exported]),
    places: new Map(
      found.filter(({ name }) => !environment[name]).map(({ name, place }) => [name, place] as const),
    ),
    read,
    searched,
  };
}

interface EnvFile {
  readonly variables: ReadonlyMap<string, { readonly text: string; readonly line: number }>;
  /** Numbers of the lines that cannot be understood. */
  readonly unreadable: readonly number[];
}

/** If a name is given twice the later line counts, as in a shell. */
export function parseEnvFile(text: string): EnvFile {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const read = lines.flatMap((content, index) => {
    if (BLANK.test(content) || ABOUT_POT.test(content)) return [];
    return [{ line: index + 1, pair: pairIn(content) }];
  });
  return {
    variables: new Map(
      read.flatMap(({ line, pair }) => (pair ? [[pair.name, { text: pair.text, line }]] : [])),
    ),
    unreadable: read.filter(({ pair }) => pair === undefined).map(({ line }) => line),
  };
}

const BLANK = /^\s*(#.*)?$/;

/** What pot tells the jail about itself, in its own spelling (pot's share/pot/info.sh). Not ours. */
const ABOUT_POT = /^\s*export\s+_POT_\w+=/;

/** The rest of a line after a value. */
const REST = /\s*(?:\s#.*)?$/.source;

/**
 * pot wraps all of `NAME=value` in double quotes and puts a backslash before each `"` of the value, and before nothing
 * else (share/pot/set-env.sh). So, reading it back: between double quotes only `\"` is special, and a value may end in
 * a backslash. No control characters: no terminal should get them from a later error.
 */
const FORMS: readonly RegExp[] = [
  new RegExp(String.raw`^(?:export\s+)?"(?<name>[A-Za-z_]\w*)=(?<double>(?:\\"|[^"\x00-\x08])*)"${REST}`),
  new RegExp(String.raw`^(?:export\s+)?(?<name>[A-Za-z_]\w*)="(?<double>(?:\\"|[^"\x00-\x08])*)"${REST}`),
  new RegExp(String.raw`^(?:export\s+)?'(?<name>[A-Za-z_]\w*)=(?<single>[^'\x00-\x08]*)'${REST}`),
  new RegExp(String.raw`^(?:export\s+)?(?<name>[A-Za-z_]\w*)='(?<single>[^'\x00-\x08]*)'${REST}`),
  // Bare: only what every reader of such files reads the same way.
  new RegExp(
    String.raw`^(?:export\s+)?(?<name>[A-Za-z_]\w*)=(?<bare>[^\s"'\\$\x60;&|<>()\x00-\x08]*)${REST}`,
  ),
];

function pairIn(line: string): { name: string; text: string } | undefined {
  for (const form of FORMS) {
    const found = form.exec(line.trim())?.groups;
    if (found?.["name"] === undefined) continue;
    const { name, double, single, bare } = found;
    return { name, text: double?.replaceAll('\\"', '"') ?? single ?? bare ?? "" };
  }
  return undefined;
}

function textOf(path: string, namedBy: string): string {
  try {
    refuseForeign(path, statSync(path));
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Misconfigured) throw error;
    throw new Misconfigured(reasonOf(error, path, namedBy), { cause: error });
  }
}

/** The place is often /tmp, where everybody may put a file; and a setting may name a file whose content is then used. */
function refuseForeign(path: string, { uid, mode }: Stats): void {
  const isOurs = uid === 0 || uid === process.geteuid?.();
  if (isOurs && (mode & 0o022) === 0) return;
  throw new Misconfigured(
    isOurs
      ? {
          where: path,
          what: "others may write to it",
          cure: "Only root or the agent's user may own and write this file: chown root it, chmod go-w it.",
        }
      : {
          where: path,
          what: `it belongs to ${userName(uid)}, and ${ownName()} trusts only its own files and root's`,
          cure: `If that is the agent's user, run this as that user: ${runAs(userName(uid))}. Otherwise chown root it, chmod go-w it.`,
        },
  );
}

function reasonOf(error: unknown, path: string, namedBy: string): Complaint {
  switch (codeOf(error)) {
    case "ENOENT":
      return {
        where: path,
        what: `there is no such file, though ${namedBy} names it`,
        cure: "Create it, or name another.",
      };
    case "EACCES":
      return denied(path);
    default:
      return { where: path, what: messageOf(error), cure: "Name another file with --environment." };
  }
}

function complaint(path: string, line: number): Complaint {
  return {
    where: path,
    position: `:${line}`,
    what: "not a line that the agent can read",
    cure: `Write export "NAME=value", or NAME='value' if the value has spaces, quotes or any of \\ $ ; & | < > ( ).`,
  };
}
