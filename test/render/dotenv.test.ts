import { parse as parseAsNode } from "dotenv";
import { expect, test } from "vitest";
import { Refused } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { quote, readBack, verifyEnvFile, verifyOwnEnvFile, writeLine } from "../../src/render/dotenv.ts";
import { hardValues } from "./hard-values.ts";
import { readByRuby } from "./ruby.ts";

const VALUES = 30_000;
const VARIABLES_PER_FILE = 40;

test("the real Ruby dotenv, the real Node dotenv and our port of Ruby's read back what the writer writes", async () => {
  const written = [...hardValues(VALUES)].flatMap((value) => {
    const quoted = quote(value);
    return quoted === undefined ? [] : [{ value, quoted }];
  });
  expect(written.length).toBeGreaterThan(VALUES * 0.9);
  const files = chunks(written, VARIABLES_PER_FILE);
  const texts = files.map((lines) => lines.map(({ quoted }, i) => `V${i}=${quoted}\n`).join(""));
  const expected = files.map((lines) => Object.fromEntries(lines.map(({ value }, i) => [`V${i}`, value])));
  expect(await readByRuby(texts)).toEqual(expected);
  expect(texts.map((text) => ({ ...parseAsNode(text) }))).toEqual(expected);
  expect(texts.map((text) => Object.fromEntries(readBack(text).ruby))).toEqual(expected);
});

test("a value alone in its file is read back too", async () => {
  const written = [...hardValues(3_000)].filter((value) => quote(value) !== undefined);
  const texts = written.map((value) => `V=${quote(value)}`);
  expect(await readByRuby(texts)).toEqual(written.map((V) => ({ V })));
});

/** What Ruby's dotenv 3 makes of a line; `always` where 2.4 does the same, so that the real one can be asked. */
const NASTY: readonly (readonly [line: string, seen: Record<string, string>, version: "always" | 3])[] = [
  ["A=a#b", { A: "a" }, "always"],
  ["A=a # b", { A: "a" }, "always"],
  ["A='a # b' # c", { A: "a # b" }, "always"],
  ["A=`x y`", { A: "`x y`" }, "always"],
  ["A=  spaced  ", { A: "spaced" }, "always"],
  ["export A=1\nexport A", { A: "1" }, "always"],
  ["A\nA=1", { A: "1" }, "always"],
  ["A: yaml", { A: "yaml" }, "always"],
  ["A.b=1", { "A.b": "1" }, "always"],
  ["A-b=1", {}, "always"],
  ["# A=1", {}, "always"],
  ["A=", { A: "" }, "always"],
  ["A=\nB=2", { A: "", B: "2" }, "always"],
  ["A=1\r\nB=2\rC=3", { A: "1", B: "2", C: "3" }, "always"],
  ["A=1\nA=2", { A: "2" }, "always"],
  ["A='it's'", { A: "it's" }, "always"],
  ['A="a\\"b"', { A: 'a"b' }, "always"],
  ["B=1\nA=$B", { B: "1", A: "1" }, "always"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is Ruby's
  ['B=1\nA="${B}x"', { B: "1", A: "1x" }, "always"],
  ["B=1\nA='$B'", { B: "1", A: "$B" }, "always"],
  ["A=\\$B", { A: "$B" }, "always"],
  ["A=$ 5", { A: "$ 5" }, "always"],
  ["A=a\\b", { A: "ab" }, 3],
  ['A="a\\nb"', { A: "a\\nb" }, 3],
  ["A='a\nb'", { A: "a\nb" }, 3],
  ["A=\n'b'", { A: "b" }, 3],
];

test.each(NASTY)("our port reads %j as Ruby does", async (line, seen, version) => {
  expect(Object.fromEntries(readBack(line).ruby)).toEqual(seen);
  if (version === "always") expect(await readByRuby([line])).toEqual([seen]);
});

test.each([
  "A=$HOME",
  'A="$HOME"',
  "A=$(id)",
  'A="x $(id) y"',
  "B='$(id)'\nA=$B",
  "A=1\nexport UNSET",
  "A=1\nA B\nexport UNSET TOO",
  // Version 2 skips a bare name, version 3 reads it as empty.
  "A",
  "A # comment",
  "A=1\nA",
  "A=1\nB",
  // Version 2 reads it as empty, to version 3 it is an error.
  "export A=",
  "A=1\nexport A=",
  "export A\nA=1",
])("%j depends on more than the file, so no expectation can hold", (text) => {
  for (const value of ["", "$HOME", "$(id)", "1", "root"]) {
    expect(() => verifyEnvFile(text, new Map([["A", value]]))).toThrow(Refused);
  }
});

test.each([
  ["A=1\n", "B is missing for Ruby, B is missing for Node"],
  ["A=1\nB=2\nC=3\n", "C is set for Ruby although nothing set it, C is set for Node although nothing set it"],
  ["A=1\nB=3\n", "B differs for Ruby, B differs for Node"],
  ['A=1\nB="\\2"\n', "B differs for Node"],
  ["A=1\nB='2\n", "B differs for Ruby, B differs for Node"],
])("%j does not say A=1 and B=2: %s", (text, message) => {
  const expected = new Map([
    ["A", "1"],
    ["B", "2"],
  ]);
  expect(() => verifyEnvFile("# fine\nB=2\n\nA='1'\n", expected)).not.toThrow();
  expect(() => verifyEnvFile(text, expected)).toThrow(
    `.env.production: read back, the file does not have the intended values: ${message}. `,
  );
});

test("a difference is reported by names alone", () => {
  const verify = () => verifyEnvFile("DB_PASS=hunter1\n", new Map([["DB_PASS", "hunter2"]]));
  expect(verify).toThrow("DB_PASS differs for Ruby");
  expect(verify).not.toThrow(/hunter/);
});

test("a line is written from name and value, and a secret that cannot be written is only named", () => {
  expect(writeLine("DB_PASS", new Secret("two words"))).toBe("DB_PASS='two words'");
  expect(() => writeLine("DB_PASS", new Secret("hunter2\n"))).toThrow(
    "DB_PASS: the value cannot be written so that Ruby and Node both read it the same way. ",
  );
  expect(() => writeLine("DB_PASS", new Secret("hunter2\n"))).not.toThrow(/hunter2/);
});

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

test("a user's template may leave out lines and add some, but not change a variable or be ambiguous", () => {
  const variables = new Map([["DB_HOST", "10.0.0.1"]]);
  expect(() => verifyOwnEnvFile("DB_HOST=10.0.0.1\nMY_OWN=1\n", variables)).not.toThrow();
  expect(() => verifyOwnEnvFile("MY_OWN=1\n", variables)).not.toThrow();
  expect(() => verifyOwnEnvFile("DB_HOST=10.0.0.2\n", variables)).toThrow(/DB_HOST differs/);
  expect(() => verifyOwnEnvFile("MY_OWN=$HOME\n", variables)).toThrow(/MY_OWN differs for Ruby/);
});
