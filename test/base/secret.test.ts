import { inspect } from "node:util";
import { expect, test } from "vitest";
import { redactor, Secret } from "../../src/base/secret.ts";

const TEXT = `pass "word"/+=ü`;

test("a secret prints as redacted however it is formatted", () => {
  const secret = new Secret(TEXT);
  for (const shown of [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), String([secret])])
    expect(shown).toContain("[redacted]");
  expect(JSON.stringify({ secret }) + inspect({ secret })).not.toContain("pass");
});

test("what a program printed loses its secrets, also as they are in a URL, in JSON or in base64", () => {
  const redact = redactor([new Secret(TEXT)]);
  const base64 = Buffer.from(TEXT).toString("base64");
  for (const form of [TEXT, encodeURIComponent(TEXT), JSON.stringify(TEXT).slice(1, -1), base64])
    expect(redact(`before ${form} after`)).toBe("before [redacted] after");
});

test("of a secret that is part of another nothing stays", () => {
  const redact = redactor([new Secret("secret"), new Secret("secret-and-more")]);
  expect(redact("it is secret-and-more")).toBe("it is [redacted]");
});

test("a secret of three characters is left, since it would tear words", () => {
  expect(redactor([new Secret("abc")])("abcdef")).toBe("abcdef");
});
