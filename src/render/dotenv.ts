/**
 * Writes and verifies `.env.production`, which two programs read with parsers that disagree: Rails with Ruby's dotenv,
 * streaming with Node's.
 */
import { parse as parseAsNode } from "dotenv";
import { Refused } from "../base/errors.ts";
import { reveal, type Secret } from "../base/secret.ts";
import { parseAsRuby } from "./ruby-dotenv.ts";

/** A line of `.env.production`. @throws Refused for a value that the two readers would read differently. */
export function writeLine(name: string, value: string | Secret): string {
  const quoted = quote(reveal(value));
  if (quoted === undefined) {
    throw new Refused({
      what: "the value cannot be written so that Ruby and Node both read it the same way",
      where: name,
      cure: "Use one line that does not end in a backslash and does not mix quotes, #, \\ and $.",
    });
  }
  return `${name}=${quoted}`;
}

/**
 * The value in the first notation that both readers turn back into the same bytes, or undefined if there is none.
 * Inside single quotes both take every character literally; a single quote inside is harmless unless a `#` follows,
 * which would begin a comment. Node also ends a line at U+2028 and U+2029.
 */
export function quote(value: string): string | undefined {
  if (/[\0\r\n\u2028\u2029]/.test(value)) return undefined;
  if (/^[A-Za-z0-9_./:@%+,=-]*$/.test(value)) return value;
  const endsQuote =
    value.endsWith("\\") || value.includes("\\'") || (value.includes("'") && value.includes("#"));
  if (!endsQuote) return `'${value}'`;
  return /["\\$]/.test(value) ? undefined : `"${value}"`;
}

interface ReadBack {
  readonly ruby: ReadonlyMap<string, string>;
  readonly node: ReadonlyMap<string, string>;
}

/** What each of the two readers sees in a file. */
export function readBack(text: string): ReadBack {
  return { ruby: parseAsRuby(text), node: new Map(Object.entries(parseAsNode(text))) };
}

/**
 * Verifies that a rendered file has the intended values, whatever its template did.
 *
 * @throws Refused if either reader would see something else; it names the variables, never their values.
 */
export function verifyEnvFile(text: string, expected: ReadonlyMap<string, string>): void {
  const { ruby, node } = readBack(text);
  const wrong = [...differences("Ruby", ruby, expected), ...differences("Node", node, expected)];
  if (wrong.length === 0) return;
  throw new Refused({
    what: `read back, the file does not have the intended values: ${wrong.join(", ")}`,
    where: ".env.production",
    cure: "Write each variable as {{name}}={{value}} on its own line, with nothing else but comments.",
  });
}

/**
 * Verifies what can be verified about a user's template: that both readers see the same, and that what they see under a
 * variable's name is that variable.
 *
 * @throws Refused as `verifyEnvFile` does
 */
export function verifyOwnEnvFile(text: string, variables: ReadonlyMap<string, string>): void {
  const { ruby, node } = readBack(text);
  const seen = new Set([...ruby.keys(), ...node.keys()]);
  verifyEnvFile(text, new Map([...seen].map((name) => [name, variables.get(name) ?? node.get(name) ?? ""])));
}

function differences(
  reader: string,
  seen: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): readonly string[] {
  const changed = [...expected].filter(([name, value]) => seen.get(name) !== value).map(([name]) => name);
  const extra = [...seen.keys()].filter((name) => !expected.has(name));
  return [
    ...changed.map((name) => `${name} ${seen.has(name) ? "differs" : "is missing"} for ${reader}`),
    ...extra.map((name) => `${name} is set for ${reader} although nothing set it`),
  ];
}
