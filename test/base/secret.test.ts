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

test("a program's output loses its secrets, even as they appear in a URL, in JSON or in base64", () => {
  const redact = redactor([new Secret(TEXT)]);
  const base64 = Buffer.from(TEXT).toString("base64");
  for (const form of [TEXT, encodeURIComponent(TEXT), JSON.stringify(TEXT).slice(1, -1), base64])
    expect(redact(`before ${form} after`)).toBe("before [redacted] after");
});

test("nothing remains of a secret that is part of another", () => {
  const redact = redactor([new Secret("secret"), new Secret("secret-and-more")]);
  expect(redact("it is secret-and-more")).toBe("it is [redacted]");
});

test("a secret of three characters is left, because masking it would break words", () => {
  expect(redactor([new Secret("abc")])("abcdef")).toBe("abcdef");
});
