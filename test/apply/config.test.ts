import { expect, test } from "vitest";
import * as z from "zod";
import { fileSchema, unitSchema } from "../../src/apply/config.ts";

const file = { template: "env.production.hbs", path: "/usr/local/www/mastodon/.env.production" };
const reload = [{ signal: "TERM", pidfile: "/var/run/mastodon/web.pid" }];

test("gives a file the mode 0640 unless told otherwise", () => {
  expect(fileSchema.parse(file).mode).toBe("0640");
  expect(fileSchema.parse({ ...file, mode: "0600" }).mode).toBe("0600");
});

test("reads the units of the contract, durations as milliseconds", () => {
  const unit = unitSchema.parse({
    reload: [
      { signal: "TSTP", pidfile: "/run/s.pid" },
      { wait: "10s" },
      { run: ["service", "x", "reload"], timeout: "2m" },
    ],
    start: [{ touch: "/tmp/restart.txt" }],
    health: { http: "http://127.0.0.1:3000/health" },
  });
  expect(unit.reload[1]).toEqual({ wait: 10_000 });
  expect(unit.reload[2]).toEqual({ run: ["service", "x", "reload"], timeout: 120_000 });
  expect(unit.health).toEqual({ http: "http://127.0.0.1:3000/health", timeout: 60_000 });
});

test.each([
  ["a relative path", fileSchema, { ...file, path: ".env.production" }, "must be an absolute path"],
  [
    "a mode that is no octal text",
    fileSchema,
    { ...file, mode: "640" },
    'must be an octal mode in quotes, such as "0640"',
  ],
  [
    "a check that never names the file",
    fileSchema,
    { ...file, check: ["nginx", "-t"] },
    'must name "{file}"',
  ],
  ["a key that nobody knows", fileSchema, { ...file, ower: "mastodon" }, 'Unrecognized key: "ower"'],
  [
    "a shell line as a command",
    unitSchema,
    { reload: [{ run: "service nginx reload" }] },
    "must be one of { signal: TERM",
  ],
  [
    "a step that is two steps",
    unitSchema,
    { reload: [{ wait: "1s", touch: "/x" }] },
    "must be one of { signal: TERM",
  ],
  [
    "a signal that there is not",
    unitSchema,
    { reload: [{ signal: "STOPP", pidfile: "/x" }] },
    "must be one of { signal: TERM",
  ],
  ["no steps", unitSchema, { reload: [] }, "Too small"],
  [
    "a health check without a port",
    unitSchema,
    { reload, health: { tcp: "localhost" } },
    'must be "host:port"',
  ],
  [
    "a health check by another protocol",
    unitSchema,
    { reload, health: { http: "ftp://x" } },
    "must be an http or https URL",
  ],
  [
    "a health check of no kind",
    unitSchema,
    { reload, health: { timeout: "5s" } },
    "must be one of { http: URL }",
  ],
])("refuses %s", (_, schema: z.ZodType, value, message) => {
  const result = schema.safeParse(value);
  expect(result.success).toBe(false);
  expect(z.prettifyError(result.error ?? new z.ZodError([]))).toContain(message);
});

test("can be described by a JSON Schema for editors", () => {
  expect(z.toJSONSchema(fileSchema, { io: "input" })).toMatchObject({ required: ["template", "path"] });
  expect(z.toJSONSchema(unitSchema, { io: "input" })).toMatchObject({ required: ["reload"] });
});
