/** Somebody else's text, made safe to show: no terminal, log or page should obey it. */

const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The first line that says something, trimmed. */
export function firstLine(text: string): string {
  return (
    text
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .find((line) => line !== "") ?? ""
  );
}

/** Control and format characters spelled out (`\x1b`), and no more characters than allowed. */
export function visible(text: string, maxCharacters: number): string {
  const characters = [...spelledOut(text)];
  return characters.length <= maxCharacters
    ? characters.join("")
    : `${characters.slice(0, maxCharacters - 1).join("")}…`;
}

/** The same for a text that is printed: its lines and tabs stay, and so do `kept` sequences, such as our own colours. */
export function printable(text: string, kept?: RegExp): string {
  const parts = kept === undefined ? [text] : text.split(kept);
  // A split by one group has what was kept at every second place.
  return parts.map((part, at) => (at % 2 === 0 ? spelledOut(part, LAYOUT) : part)).join("");
}

const LAYOUT: ReadonlySet<string> = new Set(["\n", "\t"]);

function spelledOut(text: string, kept: ReadonlySet<string> = new Set()): string {
  return text.replaceAll(INVISIBLE, (character) => (kept.has(character) ? character : escaped(character)));
}

/** What JSON leaves as it is gets a form that JSON understands. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => (unit < 0x20 ? `\\x${hex(unit, 2)}` : `\\u${hex(unit, 4)}`)).join("");
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
