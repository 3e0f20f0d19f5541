import Handlebars from "handlebars";
import { expect, test } from "vitest";
import { isAgentError, Misconfigured, Refused } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Language } from "../../src/render/language.ts";
import { compileTemplate } from "../../src/render/template.ts";
import type { RenderInput } from "../../src/render/tree.ts";

const INPUT: RenderInput = {
  DOMAIN: "example.org",
  WEBDOMAIN: undefined,
  EMPTY: "",
  DBPASS: new Secret("hunter2"),
  s3: { url: "https://s3.example.org", host: "s3.example.org" },
  servers: ["10.0.0.1", "10.0.0.2"],
  nobody: [],
  empty: {},
  variables: [
    { name: "DB_HOST", value: "10.0.0.3" },
    { name: "DB_PASS", value: new Secret("hunter2") },
  ],
};

function render(text: string, language: Language = "plain", input: RenderInput = INPUT): string {
  return compileTemplate("my.hbs", text, language).render(input);
}

function failure(text: string, language: Language = "plain", input: RenderInput = INPUT): Error {
  try {
    render(text, language, input);
  } catch (error) {
    if (isAgentError(error)) return error;
    throw error;
  }
  throw new Error("rendered without an error");
}

const RENDERED = [
  ["{{DOMAIN}}", "example.org"],
  ["{{s3.url}}", "https://s3.example.org"],
  ["{{DBPASS}}", "hunter2"],
  ["{{#if WEBDOMAIN}}{{WEBDOMAIN}}{{else}}{{DOMAIN}}{{/if}}", "example.org"],
  ["{{#if EMPTY}}set{{else if DOMAIN}}domain{{else}}none{{/if}}", "domain"],
  ["{{#unless WEBDOMAIN}}same{{else}}own{{/unless}}", "same"],
  [
    "{{#if nobody}}some{{else}}none{{/if}}{{#if servers}} some{{/if}}{{#if s3}} group{{/if}}",
    "none some group",
  ],
  ["{{#each servers}}{{this}}{{#unless @last}}, {{/unless}}{{/each}}", "10.0.0.1, 10.0.0.2"],
  [
    "{{#each servers}}{{#if @first}}{{@root.DOMAIN}} {{../DOMAIN}} {{/if}}{{@index}}{{/each}}",
    "example.org example.org 01",
  ],
  ["{{#each s3}}{{@key}}={{this}} {{/each}}", "url=https://s3.example.org host=s3.example.org "],
  ["{{#each nobody}}x{{else}}nobody{{/each}}{{#each WEBDOMAIN}}x{{else}} unset{{/each}}", "nobody unset"],
  ["{{#each empty}}x{{else}}empty{{/each}}", "empty"],
  ["{{#with s3}}{{host}}{{/with}}{{#with WEBDOMAIN}}{{this}}{{else}} none{{/with}}", "s3.example.org none"],
  [
    "{{#each servers}}{{#with @root.s3}}{{#if host}}{{../this}} {{/if}}{{/with}}{{/each}}",
    "10.0.0.1 10.0.0.2 ",
  ],
  ["{{! said }}{{!-- nothing --}}\\{{DOMAIN}}", "{{DOMAIN}}"],
  ["a\n  {{#each servers}}\n  - {{this}}\n  {{/each}}\nb", "a\n  - 10.0.0.1\n  - 10.0.0.2\nb"],
] as const;

test.each(RENDERED)("renders %j as %j", (text, expected) => {
  expect(render(text)).toBe(expected);
});

test.each(RENDERED)("renders %j as Handlebars itself would", (text, expected) => {
  const engine = Handlebars.compile(text, { noEscape: true });
  expect(engine({ ...INPUT, DBPASS: "hunter2" })).toBe(expected);
});

test.each(["{{X}}", "{{{X}}}", "{{&X}}", "{{this.X}}", "{{@root.X}}", "{{#with X}}{{this}}{{/with}}"])(
  "%s does not bypass the escaper",
  (text) => {
    expect(render(text, "json", { X: '"<&>' })).toBe('\\"<&>');
    expect(failure(text, "nginx", { X: "a; }" })).toBeInstanceOf(Refused);
  },
);

test.each([
  ["\n{{DOMIAN}}", 'template my.hbs, line 2: unknown name "DOMIAN". Did you mean DOMAIN?'],
  [
    "{{#if DOMAIN}}{{else}}\n{{MAILHSOT}}{{/if}}",
    'template my.hbs, line 2: unknown name "MAILHSOT". Known names: ',
  ],
  [
    "{{#if WEBDOMAIN}}{{s3.hots}}{{/if}}",
    'template my.hbs, line 1: unknown name "s3.hots". Did you mean host?',
  ],
  [
    "{{#each servers}}{{DOMAIN}}{{/each}}",
    'unknown name "DOMAIN". Inside a block, write @root.DOMAIN for the outer name.',
  ],
  ["{{#if DOMIAN}}{{/if}}", 'unknown name "DOMIAN". Did you mean DOMAIN?'],
  ["{{DOMAIN.length}}", 'unknown name "DOMAIN.length". DOMAIN has no names of its own.'],
  ["{{constructor}}", 'unknown name "constructor". Known names: '],
  ["{{s3.__proto__}}", 'unknown name "s3.__proto__". '],
  ["{{DBPASS.reveal}}", 'unknown name "DBPASS.reveal". DBPASS has no names of its own.'],
  ["{{#each servers}}{{@lst}}{{/each}}", 'unknown name "@lst". Did you mean last?'],
])("an unknown name is an error, whether its branch is taken or not: %j", (text, message) => {
  const error = failure(text);
  expect(error).toBeInstanceOf(Misconfigured);
  expect(error.message).toContain(message);
});

test.each([
  ["{{s3}}", '"s3" is a group, not a value. It has url, host.'],
  ["{{servers}}", '"servers" is a list, not a value. Use {{#each}}.'],
  ["{{#each DOMAIN}}{{/each}}", '"DOMAIN" is a single value, not a list. Use {{#with}} or {{#if}}.'],
])("a group, a list and a value are not confused: %s", (text, message) => {
  expect(failure(text).message).toBe(`template my.hbs, line 1: ${message}`);
});

test.each([
  ["a\n{{#if DOMAIN}}\nb", "line 3: a block is not closed"],
  ["a\n{{#if DOMAIN}}{{/each}}", "line 2: if doesn't match each"],
  ["a\n{{DOMAIN", 'line 2: syntax error near "a{{DOMAIN"'],
  ["\n{{> footer}}", "line 2: partials and decorators are not supported"],
  ["{{#> layout}}x{{/layout}}", "line 1: partials and decorators are not supported"],
  ["{{* inline}}", "line 1: partials and decorators are not supported"],
  ["{{upper DOMAIN}}", 'line 1: unknown helper "upper"'],
  ["{{lookup s3 DOMAIN}}", 'line 1: unknown helper "lookup"'],
  ["{{log DOMAIN}}", 'line 1: unknown helper "log"'],
  ["{{#DOMAIN}}x{{/DOMAIN}}", 'line 1: unknown block helper "DOMAIN"'],
  ["{{#if (eq DOMAIN 1)}}x{{/if}}", 'line 1: "if" takes exactly one name'],
  ["{{#if DOMAIN WEBDOMAIN}}x{{/if}}", 'line 1: "if" takes exactly one name'],
  ["{{#if 1}}x{{/if}}", 'line 1: "if" takes exactly one name'],
  ["{{#if DOMAIN includeZero=true}}x{{/if}}", 'line 1: "if" takes exactly one name'],
  ["{{#each servers as |server|}}x{{/each}}", "line 1: block parameters are not supported"],
  ['{{"text"}}', "line 1: a literal instead of a name"],
])("an invalid template is refused when it is compiled: %j", (text, message) => {
  const compiling = () => compileTemplate("my.hbs", text, "plain");
  expect(compiling).toThrow(Misconfigured);
  expect(compiling).toThrow(`template my.hbs, ${message}`);
});

test("names can be checked while values are missing", () => {
  const template = compileTemplate("my.hbs", "{{WEBDOMAIN}}\n{{DOMIAN}}", "plain");
  expect(() => template.check({ WEBDOMAIN: undefined, DOMIAN: undefined })).not.toThrow();
  expect(() => template.check(INPUT)).toThrow('line 2: unknown name "DOMIAN". Did you mean DOMAIN?');
});

test("printing a known name without a value is an error that names it and how to guard it", () => {
  const error = failure("\n{{WEBDOMAIN}}");
  expect(error).toBeInstanceOf(Refused);
  expect(error.message).toBe(
    "template my.hbs, line 2: WEBDOMAIN has no value. Set it, or put the line between {{#if WEBDOMAIN}} and {{/if}}.",
  );
});

test("a value that the language cannot hold is named, by its variable if it is one", () => {
  const input = { variables: [{ name: "SMTP_PASSWORD", value: new Secret("top\nsecret") }] };
  const error = failure("{{#each variables}}{{name}}={{value}}\n{{/each}}", "dotenv", input);
  expect(error).toBeInstanceOf(Refused);
  expect(error.message).toContain(
    "template my.hbs, line 1: variables.SMTP_PASSWORD.value cannot be written safely into a dotenv file. It may be one line",
  );
});

test.each(["dotenv", "nginx", "syslog-ng", "sh", "rc", "plain"] as const)(
  "no error about a %s file shows the value",
  (language) => {
    const value = "hunter2'#\"$`\n";
    for (const text of ["{{X}}", "{{X.y}}", "{{#each X}}{{/each}}", "{{#each l}}{{this}}{{/each}}"]) {
      for (const x of [value, new Secret(value)]) {
        const error = failure(text, language, { X: x, l: [x] });
        expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain("hunter2");
      }
    }
  },
);

test("an item is identified by its name, else by its number", () => {
  const input = { hosts: ["a", "b c"], named: [{ name: "first", host: "b c" }] };
  expect(failure("{{#each hosts}}{{this}}{{/each}}", "nginx", input).message).toContain(
    "hosts.2 cannot be written",
  );
  expect(failure("{{#each named}}{{host}}{{/each}}", "nginx", input).message).toContain(
    "named.first.host cannot",
  );
});
