import { expect, test } from "vitest";
import { firstLine, visible } from "../../src/base/visible.ts";

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
  ["what turns the direction of writing", "a\u202egpj.exe", "a\\u{202e}gpj.exe"],
  ["the line break of Unicode", "a\u2028b", "a\\u{2028}b"],
  ["letters of any language", "naïve 日本 🦣", "naïve 日本 🦣"],
])("%s is shown, not obeyed", (_, text, shown) => {
  expect(visible(text, 100)).toBe(shown);
});

test("text that is too long ends in a mark, and no character is cut in two", () => {
  expect(visible("🦣🦣🦣", 3)).toBe("🦣🦣🦣");
  expect(visible("🦣🦣🦣🦣", 3)).toBe("🦣🦣…");
});
