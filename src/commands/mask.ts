/** Files as people may see them. A value is shown only if it is known to be no secret. */
import type { Language } from "../render/language.ts";
import { isSettingName } from "../settings/schema.ts";
import { isSecretNamed } from "../settings/slot.ts";
import { VARIABLES } from "../settings/variables.ts";

const REDACTED = "[redacted]";
/** As Ruby's dotenv and a shell take it. */
const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][\w.]*)(?:\s*=|:\s)/;
/** As the agent writes it. */
const WRITTEN = /^([A-Za-z_]\w*)=/;
/** In the languages whose names the agent does not know. */
const TELLING =
  /^(.*?(?:passw|passphrase|secret|token|encrypt|credential|authorization|api_?key|private)[\w-]*)\W.*$/i;

type Redact = (text: string) => string;

/** A rendered file: known secrets are removed wherever they appear, and the values of secret variables by their name. */
export function mask(content: string, redact: Redact): string {
  return linesOf(content).map(maskWritten).map(redact).join("\n");
}

/**
 * The file on disk that a rendered one would replace. Whoever has written it may have put a secret anywhere: of a line that
 * the rendered file does not have too, only what is known to be none is shown.
 */
export function maskForeign(content: string, rendered: string, language: Language, redact: Redact): string {
  const own = new Set(linesOf(rendered));
  const guard = VARIABLE_LANGUAGES.includes(language) ? maskAssignment : maskTelling;
  return linesOf(content)
    .map((line) => (own.has(line) ? maskWritten(line) : guard(line)))
    .map(redact)
    .join("\n");
}

const VARIABLE_LANGUAGES: readonly Language[] = ["dotenv", "sh", "rc"];

/** Whether a variable's value must not be shown. One that is barred may be an address with a password in it. */
export function isMasked(name: string): boolean {
  return isSecretNamed(name) || (!isSettingName(name) && VARIABLES.get(name)?.origin.kind === "barred");
}

function linesOf(content: string): readonly string[] {
  return content.split("\n");
}

function maskWritten(line: string): string {
  const [, name] = WRITTEN.exec(line) ?? [];
  return name !== undefined && isMasked(name) ? `${name}=${REDACTED}` : line;
}

/** A line that assigns nothing may be part of a value, or a comment with an old one. */
function maskAssignment(line: string): string {
  const [, name] = ASSIGNMENT.exec(line) ?? [];
  if (name === undefined) return line.trim() === "" ? line : `${line.startsWith("#") ? "# " : ""}${REDACTED}`;
  return isMasked(name) ? `${name}=${REDACTED}` : line;
}

function maskTelling(line: string): string {
  return line.replace(TELLING, `$1 ${REDACTED}`);
}
