import { expect, test } from "vitest";
import { firstLine, printable, visible } from "../../src/base/visible.ts";

test.each([
  ["dial tcp 10.0.0.1:5432: connection refused", "dial tcp 10.0.0.1:5432: connection refused"],
  ["\r\n\n  FATAL: no\nmore", "FATAL: no"],
  ["  \n\t\n", ""],
  ["", ""],
])("the first line of %j is %j", (text, line) => {
  expect(firstLine(text)).toBe(line);
});

test.each([
  ["tab and escape", "a\tb\x1b[31m", "a\\x09b\\x1b[31m"],
  ["a line break", "a\nb", "a\\x0ab"],
  ["what turns the direction of writing", "a\u202egpj.exe", "a\\u202egpj.exe"],
  ["the line break of Unicode", "a\u2028b", "a\\u2028b"],
  ["letters of any language", "naïve 日本 🦣", "naïve 日本 🦣"],
])("%s is shown, not obeyed", (_, text, shown) => {
  expect(visible(text, 100)).toBe(shown);
});

test("text that is too long ends in a mark, and no character is cut in two", () => {
  expect(visible("🦣🦣🦣", 3)).toBe("🦣🦣🦣");
  expect(visible("🦣🦣🦣🦣", 3)).toBe("🦣🦣…");
});

const COLOURS = new RegExp(`(${String.fromCharCode(27)}\\[\\d{1,2}m)`);

test.each([
  ["lines and tabs stay", "a\n\tb", "a\n\tb"],
  ["a cleared screen", "a\x1b[2Jb", "a\\x1b[2Jb"],
  ["a new title", "\x1b]0;root\x07", "\\x1b]0;root\\x07"],
  ["a line that is written over", "bad\rgood", "bad\\x0dgood"],
  ["a sequence in one character", "\x9b2J", "\\u009b2J"],
  ["what is erased", "a\x7fb\x08", "a\\u007fb\\x08"],
  ["a character beyond the first plane", "a\u{e0041}b", "a\\udb40\\udc41b"],
])("what is printed obeys nobody: %s", (_, text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(printable(`\x1b[32m${text}\x1b[39m`, COLOURS)).toBe(`\x1b[32m${shown}\x1b[39m`);
  expect(printable(`\x1b[32m${text}`)).toBe(`\\x1b[32m${shown}`);
});

test("a document in JSON stays the same document", () => {
  const document = { "a\x1b\x9b\x7f\u202e\u{e0041}": "👩\u200d🚀\n" };
  expect(JSON.parse(printable(JSON.stringify(document, null, 2)))).toEqual(document);
});
