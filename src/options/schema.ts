import * as z from "zod";
import { fileSchema, unitSchema } from "../apply/config.ts";
import { hasPossiblePort } from "../base/address.ts";
import { duration } from "../base/duration.ts";
import { LANGUAGES } from "../render/language.ts";
import { LOG_LEVELS } from "../report/log-levels.ts";
import { DEPENDENCIES } from "../settings/dependencies.ts";
import { SETTING_NAMES } from "../settings/schema.ts";
import { PROFILE_NAMES } from "./profiles.ts";
import { variablesSchema } from "./variables-schema.ts";

const absolutePath = z.string().regex(/^\//, "must be an absolute path");
const httpAddress = z
  .string()
  .regex(/^(\[[0-9A-Fa-f:]+\]|[^:\s]+):\d{1,5}$/, 'must be "address:port"')
  .refine(hasPossiblePort, 'must be "address:port", the port at most 65535')
  .transform((text) => {
    const at = text.lastIndexOf(":");
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
  });

const command = z.array(z.string().min(1)).min(1);

const watched = (service: string) => ({
  service: z.string().default(service).describe("name in the catalogue; empty switches the watch off"),
  probe: z
    .boolean()
    .default(true)
    .describe("whether a move is probed first, and the connection in use regularly"),
});

const templatedFileSchema = fileSchema.extend({
  language: z
    .enum(LANGUAGES)
    .exactOptional()
    .describe("how values are escaped, if the file's name does not show it"),
  when: z
    .enum(SETTING_NAMES)
    .exactOptional()
    .describe("a setting: the file is written only while that setting is known"),
});

/** Watched only if it has a name. */
const service = { service: z.string().default("") };
const further = z.strictObject(service).prefault({});
const checked = z
  .strictObject({
    ...service,
    probe: z.boolean().default(true).describe("whether the connection in use is probed regularly"),
  })
  .prefault({});

/** More often burdens the servers, and tells nothing important sooner. */
const MIN_PROBE_MS = 1000;

const sentinel = z
  .strictObject({ service: z.string().default("redis-sentinel"), master: z.string().default("mymaster") })
  .prefault({})
  .describe("if Sentinel guards Redis: Mastodon gets the sentinels and the master's name");

const patroni = z
  .strictObject({
    namespace: z
      .string()
      .regex(/[^/]/, "must name a folder of Consul's KV")
      .transform((path) => path.replace(/^\/+|\/+$/g, ""))
      .prefault("service")
      .describe("as in patroni.yml, with slashes at its ends or without"),
    scope: z.string().default("postgresql"),
  })
  .prefault({})
  .describe("where Patroni keeps its leader key");

/** Consul accepts anything above zero; with less than this an agent would turn critical between two refreshes. */
const MIN_TTL_MS = 1000;

/** What templates may print: texts, lists and groups of them. */
type TemplateValue = string | readonly TemplateValue[] | { readonly [name: string]: TemplateValue };
const templateValue: z.ZodType<TemplateValue> = z.lazy(() =>
  z.union([z.string(), z.array(templateValue), z.record(z.string(), templateValue)]),
);

/** The configuration file. The profile's defaults lie below it, so what has no default here must have one there. */
export const configSchema = z.strictObject({
  profile: z.enum(PROFILE_NAMES).default("potluck"),
  environment: z
    .union([absolutePath, z.array(absolutePath)])
    .transform((given) => (typeof given === "string" ? [given] : given))
    .exactOptional()
    .describe("files with the jail's parameters; a later one takes precedence; [] for none"),
  consul: z.strictObject({
    agent: z.enum(["unit", "child", "external"]).describe("who runs the Consul client"),
    binary: z.string().min(1).default("consul"),
    address: z.url({ protocol: /^https?$/ }).default("http://127.0.0.1:8500"),
    data_dir: absolutePath,
    config_file: absolutePath,
    owner: z
      .string()
      .exactOptional()
      .describe("owner of the client's configuration, if the client runs as another user"),
    group: z.string().exactOptional(),
  }),
  watch: z
    .strictObject({
      prefix: z
        .string()
        .regex(/^[^/\s]+(\/[^/\s]+)*$/, "must be a KV path without slashes at its ends")
        .refine(
          (prefix) => !/^mastodon-agent(\/|$)/.test(prefix),
          "must not be mastodon-agent or below it, where agents write: each write would wake the agent itself",
        )
        .default("mastodon"),
    })
    .prefault({}),
  dependencies: z
    .strictObject({
      postgres: z.strictObject({ ...watched(DEPENDENCIES.postgres.service), patroni }).prefault({}),
      redis: z.strictObject({ ...watched(DEPENDENCIES.redis.service), sentinel }).prefault({}),
      s3: z.strictObject(watched(DEPENDENCIES.s3.service)).prefault({}),
      redis_sidekiq: further,
      redis_cache: further,
      postgres_replica: further,
      elasticsearch: checked,
      smtp: checked,
      dwell: duration
        .prefault("30s")
        .describe("how long an endpoint that was left must be stable before it is used again"),
    })
    .prefault({}),
  probe: z
    .strictObject({
      interval: duration
        .refine((ms) => ms >= MIN_PROBE_MS, "must be at least 1s")
        .prefault("30s")
        .describe("how often the connection in use of each dependency is probed; a tenth as often for smtp"),
    })
    .prefault({}),
  paths: z.strictObject({
    mastodon: absolutePath,
    keys: absolutePath,
    state: absolutePath,
    certificates: absolutePath,
  }),
  certificates: z.strictObject({
    directory: z
      .union([z.literal(""), z.url({ protocol: /^https$/ })])
      .describe("URL of the ACME server's directory; empty: no certificate is ordered"),
    storage: absolutePath.describe("the account's key and the issued certificates; must outlive the machine"),
    listen: httpAddress
      .prefault("0.0.0.0:80")
      .describe("where the authority's challenge arrives; the agent listens while nginx does not"),
    ca: absolutePath.exactOptional().describe("PEM file of the authorities of a private ACME server"),
  }),
  keys: z.strictObject({
    require_mount: z
      .union([z.literal(""), absolutePath])
      .describe("where the keys' storage must be mounted; empty switches the check off"),
  }),
  files: z.record(z.string(), templatedFileSchema),
  units: z.record(z.string(), unitSchema),
  env: z
    .strictObject({
      unknown_lines: z
        .enum(["carry", "drop"])
        .default("carry")
        .describe(
          "what the first apply does with lines of the file that was there before, where no source has them",
        ),
    })
    .prefault({})
    .describe("the lines of .env.production"),
  values: z.record(z.string(), templateValue).describe("further names for templates, see docs/templates.md"),
  variables: variablesSchema,
  settle: z
    .strictObject({ min: duration.prefault("250ms"), max: duration.prefault("2s") })
    .refine(({ min, max }) => min <= max, { path: ["min"], error: "must not be longer than settle.max" })
    .prefault({}),
  reload: z
    .strictObject({ min_interval: duration.prefault("30s"), fleet_lock: z.boolean().default(true) })
    .prefault({}),
  gate: z
    .strictObject({ run: z.array(z.string().min(1)).min(1), timeout: duration.prefault("60s") })
    .exactOptional()
    .describe(
      "run in Mastodon's folder with the new variables in its environment, before anything is written",
    ),
  database: z
    .strictObject({
      prepare: command.describe("sets up the database; run only if it is empty"),
      seed: command.describe("adds the seed data; run if `prepare` was interrupted"),
      before: command.describe("the migrations that new code needs; run before it is started"),
      after: command.describe("the other migrations; run when no node runs old code any more"),
      timeout: duration.prefault("2h").describe("for each step; then it is killed"),
      user: z.string().min(1).exactOptional().describe("user they run as; by default the agent's own"),
    })
    .exactOptional()
    .describe("how Mastodon's database is prepared and migrated, see docs/database.md"),
  http: httpAddress.prefault("127.0.0.1:9899"),
  announce: z
    .strictObject({
      enabled: z.boolean().default(true).describe("whether the agent and Mastodon's services are registered"),
      service: z
        .string()
        .regex(/^[A-Za-z0-9-]+$/, "must be letters, digits and hyphens")
        .default("mastodon-agent"),
      ttl: duration
        .refine((ms) => ms >= MIN_TTL_MS, "must be at least 1s")
        .prefault("30s")
        .describe(
          "an agent not heard from for this long is critical in Consul; it reports three times as often",
        ),
      status: z
        .boolean()
        .default(false)
        .describe("whether the status is written to KV, below mastodon-agent/<DOMAIN>/status/"),
      also: z
        .array(z.enum(["mastodon", "node-exporter"]))
        .describe("what else this node serves: the site with nginx, Prometheus' node exporter on port 9100"),
    })
    .describe("what is registered in Consul"),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default("info"),
      syslog: z
        .strictObject({
          enabled: z.boolean().default(false),
          port: z.int().min(1).max(65_535).default(601),
        })
        .prefault({})
        .describe("lines also go to REMOTELOG, over TCP"),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
