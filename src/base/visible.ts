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
  const characters = [...text.replaceAll(INVISIBLE, escaped)];
  return characters.length <= maxCharacters
    ? characters.join("")
    : `${characters.slice(0, maxCharacters - 1).join("")}…`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
