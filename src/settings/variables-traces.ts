/**
 * OpenTelemetry. Mastodon itself reads two of these; the others are the SDK's, whose names are the same in every
 * language (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
import { absolutePath, boolean as bool, choice, integer, matching, text, url } from "./types.ts";
import { family, ofMachine, type VariableSpec } from "./variable.ts";

const MS = integer(0, 86_400_000, "10000");
const COUNT = integer(0, 1_000_000, "512");
const HEADERS = [text("authorization=(a token)"), { secret: true }] as const;
const FILE = [absolutePath("/usr/local/share/certs/ca-root-nss.crt"), ofMachine()] as const;
const WORDS = matching(/^[\w-]{1,64}(,[\w-]{1,64})*$/, "words separated by commas", "tracecontext,baggage");

const OTLP = {
  ENDPOINT: url,
  HEADERS,
  PROTOCOL: choice("http/protobuf", "http/json", "grpc"),
  COMPRESSION: choice("gzip", "none"),
  TIMEOUT: integer(0, 86_400, "10"),
  CERTIFICATE: FILE,
  CLIENT_CERTIFICATE: FILE,
  CLIENT_KEY: FILE,
} as const;

/** The instrumentations in Mastodon's Gemfile. */
const INSTRUMENTED = [
  ...[
    "ACTIVE_JOB",
    "ACTIVE_MODEL_SERIALIZERS",
    "ACTIVE_RECORD",
    "ACTIVE_SUPPORT",
    "ACTION_PACK",
    "ACTION_VIEW",
  ],
  ...[
    "CONCURRENT_RUBY",
    "EXCON",
    "FARADAY",
    "HTTP",
    "HTTP_CLIENT",
    "NET_HTTP",
    "PG",
    "RACK",
    "RAILS",
    "REDIS",
  ],
  "SIDEKIQ",
];

export const TRACES: readonly [string, VariableSpec][] = [
  ...family("OTEL_", {
    SERVICE_NAME_PREFIX: text("mastodon", 128),
    SERVICE_NAME_SEPARATOR: text("/", 16),
    RESOURCE_ATTRIBUTES: text("deployment.environment=production"),
    SDK_DISABLED: bool,
    LOG_LEVEL: choice("info", "debug", "warn", "error", "fatal"),
    PROPAGATORS: WORDS,
    TRACES_EXPORTER: WORDS,
    TRACES_SAMPLER: matching(
      /^(parentbased_)?(always_on|always_off|traceidratio)$/,
      "a sampler",
      "parentbased_always_on",
    ),
    TRACES_SAMPLER_ARG: matching(/^[01](\.\d{1,9})?$/, "a number from 0 to 1", "0.1"),
    BSP_SCHEDULE_DELAY: MS,
    BSP_EXPORT_TIMEOUT: MS,
    BSP_MAX_QUEUE_SIZE: COUNT,
    BSP_MAX_EXPORT_BATCH_SIZE: COUNT,
    SPAN_ATTRIBUTE_COUNT_LIMIT: COUNT,
  }),
  ...family("OTEL_EXPORTER_OTLP_", OTLP),
  ...family("OTEL_EXPORTER_OTLP_TRACES_", OTLP),
  ...INSTRUMENTED.flatMap((name) => family(`OTEL_RUBY_INSTRUMENTATION_${name}_`, { ENABLED: bool })),
];
