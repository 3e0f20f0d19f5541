/**
 * The rules of Ruby's dotenv (bkeepers/dotenv, lib/dotenv/parser.rb), because Rails reads `.env.production` with it and we
 * must know what it will see. Mastodon has used 2.7 to 3.2. Where those disagree, what is seen depends on more than the
 * file. Debian's 2.4 agrees with 2.8 wherever no backslash is unescaped.
 */

/** Stands for what only the reading process knows: its version, its environment, the output of a command. No value has a NUL. */
const UNKNOWABLE = "\0";

/**
 * Ruby's `^` and `$` only know LF as a line end, its `\s` only ASCII; JavaScript's differ, so they are spelled out.
 * Like the original, a quoted value may span lines. Since version 3 a name needs no value.
 */
const LINE =
  /(?<=^|\n)[ \t\n\v\f\r]*(export[ \t\n\v\f\r]+)?([\w.]+)(?:([ \t\n\v\f\r]*=[ \t\n\v\f\r]*?|:[ \t\n\v\f\r]+?)([ \t\n\v\f\r]*'(?:\\'|[^'])*'|[ \t\n\v\f\r]*"(?:\\"|[^"])*"|[^#\r\n]+)?)?[ \t\n\v\f\r]*(?:#[^\n]*)?(?=\n|$)/g;

export function parseAsRuby(text: string): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  /** They may stop Rails when it boots, whatever else is said about them. */
  const unset = new Set<string>();
  const rest = text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(LINE, (...match: readonly (string | undefined)[]) => {
      const [, exported, name = "", separator, value] = match;
      if (separator !== undefined && !(exported && value === undefined)) {
        seen.set(name, parseValue(value ?? "", seen));
      } else if (exported === undefined) {
        // Version 2 skips it, version 3 reads it as empty.
        seen.set(name, UNKNOWABLE);
      } else if (separator !== undefined || !seen.has(name)) {
        unset.add(name);
      }
      return "";
    });
  for (const line of rest.split("\n"))
    for (const name of exportedBy(line)) if (!seen.has(name)) unset.add(name);
  for (const name of unset) seen.set(name, UNKNOWABLE);
  return seen;
}

/** Nothing that any rule concerns. */
const PLAIN = /^[\w./:@%+,=-]*$/;

function parseValue(written: string, seen: ReadonlyMap<string, string>): string {
  if (PLAIN.test(written)) return written;
  const stripped = written.replaceAll(/^[\0 \t\n\v\f\r]+|[\0 \t\n\v\f\r]+$/g, "");
  const [, quotes, inner = stripped] = /^(['"])([\s\S]*)\1$/.exec(stripped) ?? [];
  if (quotes === "'") return inner;
  return expand(unescapeCharacters(quotes === '"' ? keepNewlines(inner) : inner), seen);
}

/** `\n` and `\r` stay two characters each, since version 3. */
function keepNewlines(value: string): string {
  return value.replaceAll(/\\[nr]/g, "\\$&");
}

function unescapeCharacters(value: string): string {
  return value.replaceAll(/\\([^$])/g, "$1");
}

/** Stricter than the original: whatever looks like a command counts as one, even with unbalanced parentheses. */
function expand(value: string, seen: ReadonlyMap<string, string>): string {
  const expanded = value.replaceAll(
    /(\\)?\$(?!\()\{?([A-Z0-9_]+)?\}?/gi,
    (whole: string, backslash: string | undefined, name: string | undefined) => {
      if (backslash !== undefined) return whole.slice(1);
      return name === undefined ? whole : (seen.get(name) ?? UNKNOWABLE);
    },
  );
  return expanded.includes(UNKNOWABLE) || expanded.includes("$(") ? UNKNOWABLE : expanded;
}

/** To version 2 any line with `export` is a list of names, and one without a value stops Rails when it boots. */
function exportedBy(line: string): readonly string[] {
  const [first, ...names] = line.split(/[ \t\v\f]+/).filter((word) => word !== "");
  return first === "export" ? names : [];
}
