import { VARIABLES } from "../settings/variables.ts";

const REDACTED = "[redacted]";
const DOTENV_LINE = /^([A-Z][A-Z0-9_]*)=(.*)$/;

/**
 * A rendered file for people: known secrets are removed wherever they appear, and secret variables by their name,
 * because the file on disk may hold an older value.
 */
export function mask(content: string, redact: (text: string) => string): string {
  return content.split("\n").map(maskLine).map(redact).join("\n");
}

/** The secret variables of a dotenv file with their lines, to tell whether they change. */
export function secretLines(content: string): ReadonlyMap<string, string> {
  const lines = content.split("\n").flatMap((line): [string, string][] => {
    const [, name = "", value = ""] = DOTENV_LINE.exec(line) ?? [];
    return isSecret(name) ? [[name, value]] : [];
  });
  return new Map(lines);
}

function maskLine(line: string): string {
  const [, name = ""] = DOTENV_LINE.exec(line) ?? [];
  return isSecret(name) ? `${name}=${REDACTED}` : line;
}

function isSecret(name: string): boolean {
  return VARIABLES.get(name)?.secret === true;
}
