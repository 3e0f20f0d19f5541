/** What an operator writes about files and units: the part of the configuration file that apply uses. */
import * as z from "zod";
import { hasPossiblePort } from "../base/address.ts";
import { duration } from "../base/duration.ts";

/** Signals that reload or stop programs; those that only debuggers and terminals send are left out. */
const SIGNALS = [
  "HUP",
  "INT",
  "QUIT",
  "KILL",
  "USR1",
  "USR2",
  "TERM",
  "TSTP",
  "TTIN",
  "CONT",
  "WINCH",
] as const;

const absolutePath = z.string().regex(/^\/./, "must be an absolute path");
const argv = z
  .array(z.string().min(1))
  .min(1)
  .describe(
    'program and arguments, each as its own item, e.g. ["service", "nginx", "reload"]; there is no shell',
  );
const timeout = duration.optional();

const stepSchema = z.union(
  [
    z.strictObject({
      signal: z.enum(SIGNALS),
      pidfile: absolutePath,
      timeout,
      drain: duration
        .optional()
        .describe(
          "what the process had forked must end within this time, or it is killed: puma's old workers",
        ),
    }),
    z.strictObject({ wait: duration }),
    z.strictObject({ run: argv, timeout }),
    z.strictObject({ touch: absolutePath }),
  ],
  {
    error:
      "must be one of { signal: TERM, pidfile: /path }, { wait: 10s }, { run: [program, argument], timeout: 60s }, { touch: /path }",
  },
);
const steps = z.array(stepSchema).min(1);

const healthTimeout = duration.default(60_000);

const healthSchema = z.union(
  [
    z.strictObject({
      http: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
      timeout: healthTimeout,
    }),
    z.strictObject({
      tcp: z
        .string()
        .regex(/^(\[[0-9A-Fa-f:.]+\]|[^\s:]+):\d{1,5}$/, 'must be "host:port"')
        .refine((text) => hasPossiblePort(text), 'must be "host:port", the port at most 65535'),
      timeout: healthTimeout,
    }),
    z.strictObject({ pidfile: absolutePath, timeout: healthTimeout }),
    z.strictObject({ run: argv, timeout: healthTimeout }),
  ],
  {
    error:
      "must be one of { http: URL }, { tcp: host:port }, { pidfile: /path }, { run: [program, argument] }, each with an optional timeout: 60s",
  },
);

/** One rendered file. */
export const fileSchema = z.strictObject({
  template: z.string().min(1),
  path: absolutePath,
  mode: z
    .string()
    .regex(/^0[0-7]{3}$/, 'must be an octal mode in quotes, such as "0640"')
    .default("0640"),
  owner: z.string().min(1).optional(),
  group: z.string().min(1).optional(),
  check: argv
    .refine((items) => items.some((item) => item.includes("{file}")), 'must name "{file}"')
    .optional()
    .describe('run on the new file before it is used; "{file}" stands for its path'),
  units: z
    .array(z.string().min(1))
    .optional()
    .describe("the units that are reloaded when these bytes change"),
  when: z.string().min(1).optional(),
});

/** One program that is reloaded. */
export const unitSchema = z.strictObject({
  reload: steps,
  restart: steps
    .optional()
    .describe("a real stop and start, for variables that are only read from the process environment"),
  start: steps.optional().describe("run when the unit is not running and its files are in place"),
  health: healthSchema.optional(),
});

export type Step = z.output<typeof stepSchema>;
export type SignalStep = Extract<Step, { readonly signal: string }>;
/** `timeout` is in milliseconds. */
export type Health = z.output<typeof healthSchema>;
export type FileSpec = z.output<typeof fileSchema> & {
  readonly name: string;
  /** Where the path led when the agent started; undefined where it is looked at only once. */
  readonly target?: string;
};
export type UnitSpec = z.output<typeof unitSchema> & { readonly name: string };
