/** How a site is run and watched: policies, limits, proxies, metrics and traces. */
import {
  absolutePath,
  boolean as bool,
  choice,
  emailDomains,
  emptyOr,
  hostname,
  integer,
  ip,
  list,
  matching,
  port,
  text,
  url,
  type ValueType,
} from "./types.ts";
import { barred, type Columns, family, ofMachine, RAILS, row, type VariableSpec } from "./variable.ts";

const COUNT = integer(0, 1_000_000_000, "100");
const WORD = matching(/^[\w.+-]{1,128}$/, "letters, digits and . _ + -", "production");
const WORDS = list(matching(/^\w{1,128}$/, "a word", "one"), "one,two");
const PROGRAM = absolutePath("/usr/local/bin/ffmpeg");
const PROXY = matching(
  /^https?:\/\/[^\s]{1,1024}$/,
  "a URL with http:// or https://",
  "http://proxy.example.org:3128",
);
const LISTEN: ValueType = {
  expected: "an IP address or a host name to listen on",
  example: "127.0.0.1",
  accept: (value) => ip.accept(value) ?? hostname.accept(value),
};

export const OPERATION: readonly [string, VariableSpec][] = [
  // Older names, which are still read.
  row("WHITELIST_MODE", bool, RAILS),
  row("EMAIL_DOMAIN_WHITELIST", emailDomains, RAILS),
  row("EMAIL_DOMAIN_BLACKLIST", emailDomains, RAILS),
  row("EMAIL_DOMAIN_LISTS_APPLY_AFTER_CONFIRMATION", bool, RAILS),
  row("FORCE_DEFAULT_LOCALE", bool, RAILS, { since: "4.4" }),
  row("DISABLE_AUTOMATIC_SWITCHING_TO_APPROVED_REGISTRATIONS", bool, RAILS),
  row("DISABLE_EMAIL_SUBSCRIPTIONS", bool, RAILS, { since: "4.6" }),
  row("DISABLE_FOLLOWERS_SYNCHRONIZATION", bool, RAILS),
  row("EXPERIMENTAL_FEATURES", WORDS, RAILS, { since: "4.4" }),
  row("MAX_FOLLOWS_THRESHOLD", COUNT, RAILS),
  row("MAX_FOLLOWS_RATIO", matching(/^\d{1,6}(\.\d{1,6})?$/, "a number", "1.1"), RAILS),
  row("MAX_REQUEST_POOL_SIZE", integer(1, 100_000, "512"), RAILS),
  row("ES_QUERY_TIMEOUT", matching(/^\d{1,6}(ms|s|m)$/, "a time with its unit", "10s"), RAILS, {
    since: "4.7",
  }),
  ...family("FETCH_REPLIES_", {
    ENABLED: onlyIn44(bool),
    COOLDOWN_MINUTES: onlyIn44(COUNT),
    INITIAL_WAIT_MINUTES: onlyIn44(COUNT),
    MAX_GLOBAL: onlyIn44(COUNT),
    MAX_SINGLE: onlyIn44(COUNT),
    MAX_PAGES: onlyIn44(COUNT),
  }),
  ...family("DONATION_CAMPAIGNS_", {
    URL: [url, { since: "4.6" }],
    ENVIRONMENT: [WORD, { since: "4.6" }],
  }),
  row("UPDATE_CHECK_URL", emptyOr(url, "not to look for new versions"), RAILS),
  row("SOURCE_TAG", WORD, RAILS),
  row("SOURCE_COMMIT", WORD, RAILS, { since: "4.4" }),
  ...family("MASTODON_VERSION_", { METADATA: WORD, PRERELEASE: WORD }),

  row("SENDFILE_HEADER", choice("X-Accel-Redirect", "X-Sendfile"), RAILS),
  row("RAILS_SERVE_STATIC_FILES", bool, RAILS),
  row("QUERY_LOG_TAGS_ENABLED", bool, RAILS, { since: "4.4" }),
  row("BACKTRACE", choice("1"), RAILS),
  row("ENABLE_SIDEKIQ_UNIQUE_JOBS_UI", bool, RAILS, { removed: "4.6" }),
  row("MASTODON_USE_LIBVIPS", bool, RAILS, { removed: "4.6" }),
  row("FFMPEG_BINARY", PROGRAM, RAILS, ofMachine()),
  row("FFPROBE_BINARY", PROGRAM, RAILS, ofMachine()),
  row("MAGICK_CONFIGURE_PATH", absolutePath("/usr/local/etc/ImageMagick-7"), RAILS, {
    ...ofMachine(),
    removed: "4.6",
  }),
  row(
    "MASTODON_SIDEKIQ_READY_FILENAME",
    matching(
      /^(?!restart\.txt$)[A-Za-z0-9][\w.-]{0,127}$/,
      "the name of a file in Mastodon's tmp",
      "sidekiq.ready",
    ),
    RAILS,
    ofMachine(),
  ),

  // A proxy's URL may have a password in it.
  ...["http_proxy", "http_hidden_proxy"].map((name) => row(name, PROXY, RAILS, { secret: true })),
  // Not read by Mastodon itself but by Ruby's HTTP client, and so by the clients of S3 and of push services.
  row("https_proxy", PROXY, RAILS, { secret: true }),
  row("no_proxy", text("localhost,10.0.0.0/8,.example.org"), RAILS),

  row("PERSISTENT_TIMEOUT", integer(0, 86_400, "20"), [], { processReaders: ["web"] }),
  row("PROXY_PROTO_V1", bool, [], { processReaders: ["web"] }),
  ...family("MASTODON_PROMETHEUS_EXPORTER_", {
    ENABLED: [bool, { since: "4.4", processReaders: ["web"] }],
    LOCAL: [bool, { since: "4.4", processReaders: ["web"] }],
    HOST: [LISTEN, { since: "4.4" }],
    PORT: [port, { since: "4.4" }],
    WEB_DETAILED_METRICS: [bool, { since: "4.4" }],
    SIDEKIQ_DETAILED_METRICS: [bool, { since: "4.4" }],
  }),

  row("SELF_DESTRUCT", text("(a text)"), RAILS, barred("it deletes the site for good; stop the agent first")),
];

function onlyIn44(type: ValueType): readonly [ValueType, Columns] {
  return [type, { since: "4.4", removed: "4.5" }];
}
