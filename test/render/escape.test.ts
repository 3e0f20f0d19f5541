import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { escapeFor } from "../../src/render/escape.ts";
import { LANGUAGES, type Language } from "../../src/render/language.ts";

const WRITTEN: readonly (readonly [Language, value: string, written: string])[] = [
  ["dotenv", "smtp.example.org", "smtp.example.org"],
  ["dotenv", "it's $HOME", "'it's $HOME'"],
  ["dotenv", "it's #1", `"it's #1"`],
  ["nginx", "[2001:db8::1]:3000", "[2001:db8::1]:3000"],
  ["nginx", "/usr/local/www/mastodon", "/usr/local/www/mastodon"],
  ["json", 'say "hi"\\\n', 'say \\"hi\\"\\\\\\n'],
  ["hcl", "a\u0024{b}%{c} $x", "a\\u0024{b}\\u0025{c} $x"],
  ["hcl", "\b\f\t", "\\u0008\\u000c\\t"],
  ["syslog-ng", 'C:\\logs "x"', 'C:\\\\logs \\"x\\"'],
  ["sh", "two words; $(id)", "two words; $(id)"],
  ["rc", "0.0.0.0:3000", "0.0.0.0:3000"],
  ["yaml", 'no: "yes" # x', '"no: \\"yes\\" # x"'],
  ["yaml", "\u0085\u2028\ufeff", '"\\u0085\\u2028\\ufeff"'],
  ["plain", "two words; $(id)", "two words; $(id)"],
];

test.each(WRITTEN)("%s writes %j as %j", (language, value, written) => {
  expect(escapeFor(language, value)).toBe(written);
});

const REFUSED: readonly (readonly [Language, readonly string[]])[] = [
  [
    "dotenv",
    ["two\nlines", "a\rb", "nul\0", "ends in \\", "a\\'b", 'it\'s #1 "x"', "it's #1 $x", "a\u2028b"],
  ],
  ["nginx", ["", "a b", "a;b", "a{b", "a}b", "$host", '"a"', "'a'", "a\\b", "a#b", "a\nb", "müller", "a*b"]],
  ["syslog-ng", ["a`b", "$HOST", "a\nb", "a\rb", "a\0b", "a\tb"]],
  ["sh", ["it's", "a\nb", "a\tb", "a\0b"]],
  ["rc", ["a b", "$(id)", "a;b", "a'b", 'a"b', "a\\b", "a*b", "a#b", "~", "a&b", "a\nb"]],
  ["plain", ["a\nb", "a\x1bb", "a\x7fb"]],
];

test.each(REFUSED.flatMap(([language, values]) => values.map((value) => [language, value] as const)))(
  "%s refuses %j",
  (language, value) => {
    expect(escapeFor(language, value)).toBeUndefined();
  },
);

test.each(LANGUAGES)("%s refuses half a surrogate pair, which has no UTF-8", (language) => {
  expect(escapeFor(language, "\ud83d")).toBeUndefined();
});

test("what is written as JSON and YAML is read back as the same characters, whatever they are", () => {
  for (let code = 0; code < 0x3000; code++) {
    const value = `a${String.fromCodePoint(code)}b`;
    expect(JSON.parse(`"${escapeFor("json", value)}"`)).toBe(value);
    expect(JSON.parse(`${escapeFor("yaml", value)}`)).toBe(value);
  }
  const hard = "\0\t\r\n\"'\\ \x7f\u0085\u2028\ufeff: # é😀";
  expect(parseYaml(`key: ${escapeFor("yaml", hard)}\n`)).toEqual({ key: hard });
});
