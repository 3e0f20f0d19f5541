/**
 * Writes a value so that a file's reader gets exactly that value: one escaper per language. What a language cannot
 * represent, or what could become an instruction in it, is refused rather than repaired.
 */
import { quote } from "./dotenv.ts";
import type { Language } from "./language.ts";

interface Escaper {
  /** The value as written in the file, or undefined if the language has no safe way to write it. */
  readonly write: (value: string) => string | undefined;
  /** What can be written, for the message about anything else. */
  readonly accepts: string;
}

/** A lone surrogate has no UTF-8, so writing the file would silently change the value. */
export function escapeFor(language: Language, value: string): string | undefined {
  return value.isWellFormed() ? ESCAPERS[language].write(value) : undefined;
}

export function acceptedBy(language: Language): string {
  return ESCAPERS[language].accepts;
}

const ESCAPERS: Readonly<Record<Language, Escaper>> = {
  dotenv: {
    write: quote,
    accepts:
      "one line that does not end in \\, has no \\' in it, and does not mix ' and # with any of \" \\ $",
  },
  nginx: {
    write: only(/^[A-Za-z0-9_./:@%+,=~[\]-]+$/),
    accepts: "letters, digits and _ . / : @ % + , = ~ - [ ], and at least one of them",
  },
  json: { write: jsonString, accepts: "any text" },
  hcl: { write: hclString, accepts: "any text" },
  "syslog-ng": {
    write: syslogString,
    accepts: "one line without control characters, ` and $",
  },
  sh: { write: only(/^[^'\p{Cc}]*$/u), accepts: "one line without control characters and '" },
  rc: {
    write: only(/^[A-Za-z0-9_./:@%+,=-]*$/),
    accepts: "letters, digits and _ . / : @ % + , = -, because rc.subr evaluates and splits it again",
  },
  yaml: { write: yamlString, accepts: "any text" },
  plain: { write: only(/^\P{Cc}*$/u), accepts: "one line without control characters" },
};

function only(allowed: RegExp): Escaper["write"] {
  return (value) => (allowed.test(value) ? value : undefined);
}

function jsonString(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

/**
 * HCL has no `\b` and `\f`. `${` and `%{` begin a template in HCL 2 but not in Consul's HCL 1, where `$${` would stay
 * as it is; the first character as a code point is plain text to both.
 */
function hclString(value: string): string {
  return jsonString(value)
    .replaceAll(/\\[bf]/g, (escaped) => (escaped === "\\b" ? "\\u0008" : "\\u000c"))
    .replaceAll("${", "\\u0024{")
    .replaceAll("%{", "\\u0025{");
}

/** A backtick begins a global variable and `$` a macro, and neither has an escape that works everywhere. */
function syslogString(value: string): string | undefined {
  return /[\p{Cc}`$]/u.test(value) ? undefined : value.replaceAll(/[\\"]/g, "\\$&");
}

/** JSON is YAML except for what YAML 1.1 calls line breaks or unprintable, which would be folded or rejected. */
function yamlString(value: string): string {
  return JSON.stringify(value).replaceAll(
    /[\x7f-\x9f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
