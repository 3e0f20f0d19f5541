import { bracketed } from "../base/address.ts";
import { mailbox, mailUser } from "./mail-types.ts";
import { redisHost, redisPassword, redisUser } from "./redis-types.ts";
import {
  absolutePath,
  boolean as bool,
  bucket,
  choice,
  databaseHost,
  databaseName,
  emailDomains,
  hostname,
  integer,
  list,
  mailDomain,
  mailHost,
  matching,
  network,
  port,
  searchHost,
  text,
  url,
  type ValueType,
} from "./types.ts";
import {
  barred,
  type Columns,
  derived,
  from,
  ofMachine,
  overriding,
  pinned,
  RAILS,
  READERS,
  type Reader,
  row,
  type VariableSpec,
} from "./variable.ts";
import { OPERATION } from "./variables-operation.ts";
import { SIGN_IN } from "./variables-sign-in.ts";
import { OTHER_STORAGE } from "./variables-storage.ts";
import { TRACES } from "./variables-traces.ts";

const ALL = ["web", "sidekiq", "streaming"] as const;

const PASSWORD = text("(a password)", 1024);
const LINE = text("(a text)");
const CA_FILE = absolutePath("/etc/ssl/certs/ca-certificates.crt");
const SECONDS = integer(0, 86_400, "30");
const COUNT = integer(0, 1_000_000, "5");
const BYTES = integer(0, 2_000_000_000, "15728640");
const SENTINELS = list(
  matching(/^[A-Za-z0-9_.-]+(:\d{1,5})?$/, "host or host:port", "10.0.0.31:26379"),
  "10.0.0.31:26379,10.0.0.32:26379",
);
const SENTINEL_MASTER = matching(/^[\w.-]+$/, "the name of a Sentinel master", "mymaster");
const SSL_MODES = choice("disable", "allow", "prefer", "require", "verify-ca", "verify-full");
const SSL_MODE: ValueType = {
  ...SSL_MODES,
  expected: `${SSL_MODES.expected} (with no-verify, which only streaming knows, libpq fails in web and sidekiq)`,
};

/** Every variable that may be in `.env.production`, in rendering order. */
export const VARIABLES: ReadonlyMap<string, VariableSpec> = new Map<string, VariableSpec>([
  row("LOCAL_DOMAIN", hostname, RAILS, from("DOMAIN")),
  row("WEB_DOMAIN", hostname, RAILS, from("WEBDOMAIN")),
  row("ALTERNATE_DOMAINS", list(hostname, "example.net,example.com"), RAILS),
  row("STREAMING_API_BASE_URL", url, RAILS),
  row("SINGLE_USER_MODE", bool, RAILS),
  row("LIMITED_FEDERATION_MODE", bool, RAILS),
  row("AUTHORIZED_FETCH", bool, RAILS),
  row("DISALLOW_UNAUTHENTICATED_API_ACCESS", bool, RAILS),
  row("DEFAULT_LOCALE", matching(/^[a-z]{2,3}(-[A-Za-z]{2,4})?$/, "a locale", "en"), RAILS),
  row("TRUSTED_PROXY_IP", list(network, "10.0.0.1,10.1.0.0/16"), ALL),
  row("ALLOWED_PRIVATE_ADDRESSES", list(network, "10.0.0.1"), RAILS),
  row("EXTRA_MEDIA_HOSTS", list(url, "https://media.example.org"), RAILS, { since: "4.4" }),
  row("CDN_HOST", url, RAILS),
  row("SOURCE_BASE_URL", url, RAILS),
  row("GITHUB_REPOSITORY", matching(/^[\w.-]+\/[\w.-]+$/, "owner/name", "mastodon/mastodon"), RAILS),
  row("RAILS_LOG_LEVEL", choice("info", "debug", "warn", "error", "fatal", "unknown"), RAILS),
  row("LOG_LEVEL", choice("info", "trace", "debug", "warn", "error", "fatal", "silent"), ["streaming"]),

  row("SECRET_KEY_BASE", PASSWORD, RAILS, pinned()),
  row("OTP_SECRET", PASSWORD, RAILS, { ...pinned(), removed: "4.4" }),
  row("VAPID_PRIVATE_KEY", PASSWORD, RAILS, pinned()),
  row("VAPID_PUBLIC_KEY", PASSWORD, RAILS, pinned()),
  row("ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY", PASSWORD, RAILS, pinned()),
  row("ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT", PASSWORD, RAILS, pinned()),
  row("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", PASSWORD, RAILS, pinned()),

  row("DB_HOST", databaseHost, ALL, from("DBHOST")),
  row("DB_PORT", port, ALL, from("DBPORT")),
  row("DB_NAME", databaseName, ALL, from("DBNAME")),
  row("DB_USER", databaseName, ALL, from("DBUSER")),
  row("DB_PASS", PASSWORD, ALL, { ...from("DBPASS"), secret: true }),
  row("DB_POOL", integer(1, 1000, "25"), ALL),
  row("DB_SSLMODE", SSL_MODE, ALL),
  row(
    "DATABASE_URL",
    url,
    ALL,
    overriding("DB_HOST and the others; put settings/DBHOST, DBPORT, DBNAME, DBUSER, DBPASS"),
  ),
  row("PREPARED_STATEMENTS", bool, RAILS),
  row("REPLICA_DB_HOST", databaseHost, RAILS),
  row("REPLICA_DB_PORT", port, RAILS),
  row("REPLICA_DB_NAME", databaseName, RAILS),
  row("REPLICA_DB_USER", databaseName, RAILS),
  row("REPLICA_DB_PASS", PASSWORD, RAILS, { secret: true }),
  row("REPLICA_DB_TASKS", bool, RAILS, { since: "4.4" }),
  row("REPLICA_PREPARED_STATEMENTS", bool, RAILS, { since: "4.4" }),
  row("REPLICA_DATABASE_URL", url, RAILS, overriding("REPLICA_DB_HOST and the others; put those")),

  row("REDIS_HOST", redisHost, ALL, from("REDISHOST")),
  row("REDIS_PORT", port, ALL, from("REDISPORT")),
  row("REDIS_PASSWORD", redisPassword, ALL, { ...from("REDISPASS"), secret: true }),
  row("REDIS_DB", integer(0, 1000, "0"), ALL),
  row("REDIS_USER", redisUser, ALL),
  // What the streaming of 4.3.0 looked for.
  row("REDIS_USERNAME", redisUser, ["streaming"], { ...derived("REDIS_USER"), removed: "4.4" }),
  row("REDIS_URL", url, ALL, {
    ...derived("REDISHOST", "REDISPORT", "REDISPASS", "REDIS_USER", "REDIS_DB"),
    secret: true,
  }),
  row("REDIS_DRIVER", choice("hiredis", "ruby"), RAILS),
  row("REDIS_NAMESPACE", LINE, ALL, {
    ...barred("Mastodon refuses to start if it is set"),
    removed: "4.4",
  }),
  row("REDIS_SENTINELS", SENTINELS, ALL),
  row("REDIS_SENTINEL_MASTER", SENTINEL_MASTER, ALL),
  row("REDIS_SENTINEL_PORT", port, ALL),
  row("REDIS_SENTINEL_USERNAME", text("sentinel", 128), ALL),
  row("REDIS_SENTINEL_PASSWORD", PASSWORD, ALL, { secret: true }),
  ...["CACHE_", "SIDEKIQ_"].flatMap(redisOfItsOwn),

  row("S3_ENABLED", bool, RAILS, derived("BUCKETHOST")),
  // Of the links to media in pages, which browsers follow: not the scheme that Mastodon reaches the storage with.
  row("S3_PROTOCOL", choice("https", "http"), RAILS, { default: "https" }),
  row("S3_BUCKET", bucket, RAILS, from("BUCKETNAME")),
  row("S3_REGION", LINE, RAILS, from("BUCKETREGION")),
  row("S3_HOSTNAME", LINE, RAILS, derived("BUCKETHOST", "BUCKETPORT", "BUCKETSCHEME")),
  row("S3_ENDPOINT", url, RAILS, derived("BUCKETHOST", "BUCKETPORT", "BUCKETSCHEME")),
  row("S3_ALIAS_HOST", hostname, RAILS, from("BUCKETALIAS")),
  row("AWS_ACCESS_KEY_ID", LINE, RAILS, from("BUCKETUSER")),
  row("AWS_SECRET_ACCESS_KEY", PASSWORD, RAILS, { ...from("BUCKETPASS"), secret: true }),
  row("S3_CLOUDFRONT_HOST", hostname, RAILS, overriding("S3_ALIAS_HOST; put settings/BUCKETALIAS")),
  row(
    "S3_PERMISSION",
    matching(/^[a-z-]*$/, "a canned ACL, or nothing if buckets have no ACLs", "public-read"),
    RAILS,
  ),
  row("S3_STORAGE_CLASS", matching(/^[A-Z_]+$/, "a storage class", "STANDARD"), RAILS),
  row("S3_SIGNATURE_VERSION", choice("v4", "v2"), RAILS),
  row("S3_OVERRIDE_PATH_STYLE", bool, RAILS),
  row("S3_FORCE_SINGLE_REQUEST", bool, RAILS),
  row("S3_ENABLE_CHECKSUM_MODE", bool, RAILS),
  row("S3_MULTIPART_THRESHOLD", BYTES, RAILS),
  row("S3_OPEN_TIMEOUT", SECONDS, RAILS),
  row("S3_READ_TIMEOUT", SECONDS, RAILS),
  row("S3_RETRY_LIMIT", COUNT, RAILS),
  row("S3_BATCH_DELETE_LIMIT", COUNT, RAILS),
  row("S3_BATCH_DELETE_RETRY", COUNT, RAILS),
  row("S3_KEY_PREFIX", matching(/^[\w./-]+$/, "a prefix of object names", "media"), RAILS),

  row("SMTP_SERVER", mailHost, RAILS, from("MAILHOST")),
  row("SMTP_PORT", port, RAILS, from("MAILPORT")),
  row("SMTP_LOGIN", mailUser, RAILS, from("MAILUSER")),
  row("SMTP_PASSWORD", PASSWORD, RAILS, { ...from("MAILPASS"), secret: true }),
  row("SMTP_FROM_ADDRESS", mailbox, RAILS, from("MAILFROM")),
  row("SMTP_REPLY_TO", mailbox, RAILS),
  row("SMTP_RETURN_PATH", mailbox, RAILS),
  ...mailer("SMTP_", {}),
  row("SMTP_DELIVERY_METHOD", LINE, RAILS, barred("mail goes only to MAILHOST, over SMTP")),
  row("BULK_SMTP_SERVER", mailHost, RAILS, { since: "4.4" }),
  row("BULK_SMTP_PORT", port, RAILS, { since: "4.4" }),
  row("BULK_SMTP_LOGIN", mailUser, RAILS, { since: "4.4" }),
  row("BULK_SMTP_PASSWORD", PASSWORD, RAILS, { since: "4.4", secret: true }),
  ...mailer("BULK_SMTP_", { since: "4.4" }),

  row("ES_ENABLED", bool, RAILS),
  row("ES_HOST", searchHost, RAILS),
  row("ES_PORT", port, RAILS),
  row("ES_USER", text("elastic", 128), RAILS),
  row("ES_PASS", PASSWORD, RAILS, { secret: true }),
  row("ES_PREFIX", matching(/^[a-z0-9_-]+$/, "an index prefix", "mastodon"), RAILS),
  row("ES_PRESET", choice("single_node_cluster", "small_cluster", "large_cluster"), RAILS),
  row("ES_CA_FILE", CA_FILE, RAILS, ofMachine()),

  row("EMAIL_DOMAIN_ALLOWLIST", emailDomains, RAILS),
  row("EMAIL_DOMAIN_DENYLIST", emailDomains, RAILS),
  row("MAX_SESSION_ACTIVATIONS", COUNT, RAILS),
  row("USER_ACTIVE_DAYS", COUNT, RAILS),
  row("SESSION_RETENTION_PERIOD", integer(1, 1_000_000_000, "31556952"), RAILS),
  row("IP_RETENTION_PERIOD", integer(1, 1_000_000_000, "31556952"), RAILS),
  row("ALLOW_ACCESS_TO_HIDDEN_SERVICE", bool, RAILS),
  row("DEEPL_API_KEY", PASSWORD, RAILS, { secret: true }),
  row("DEEPL_PLAN", choice("free", "pro"), RAILS),
  row("LIBRE_TRANSLATE_ENDPOINT", url, RAILS),
  row("LIBRE_TRANSLATE_API_KEY", PASSWORD, RAILS, { secret: true }),
  row("HCAPTCHA_SITE_KEY", LINE, RAILS),
  row("HCAPTCHA_SECRET_KEY", PASSWORD, RAILS, { secret: true }),

  ...OTHER_STORAGE,
  ...SIGN_IN,
  ...OPERATION,
  ...TRACES,

  row("WEB_CONCURRENCY", integer(0, 512, "2"), [], { processReaders: ["web"] }),
  row("MAX_THREADS", integer(1, 512, "5"), RAILS, { processReaders: ["web"] }),
  row("MIN_THREADS", integer(0, 512, "5"), [], { processReaders: ["web"] }),
  row("SIDEKIQ_CONCURRENCY", integer(1, 512, "5"), [], { processReaders: ["sidekiq"] }),
  ...["PORT", "BIND", "SOCKET"].map((name) =>
    row(name, LINE, ALL, barred("the jail's own start scripts decide where the processes listen")),
  ),
]);

export const VARIABLE_NAMES: readonly string[] = [...VARIABLES.keys()];

/** Units that read a variable after dotenv. One that is not in the table may be read by any. */
export function readersOf(name: string): readonly Reader[] {
  return (VARIABLES.get(name) ?? { readers: READERS }).readers;
}

/** Whether a variable is a line of `.env.production`: the others are only read from the process environment. */
export function isInEnvFile(name: string): boolean {
  return readersOf(name).length > 0;
}

/** What an operator may put under `mastodon/env/`. */
export const OPERATOR_VARIABLES: readonly string[] = VARIABLE_NAMES.filter(
  (name) => VARIABLES.get(name)?.origin.kind === "operator",
);

/** Paths, which only the configuration file may set. */
export const MACHINE_VARIABLES: readonly string[] = VARIABLE_NAMES.filter(
  (name) => VARIABLES.get(name)?.origin.kind === "machine",
);

/** How Mastodon talks to one mail server. What follows from its port is in `mail.ts`. */
function mailer(prefix: string, columns: Columns): [string, VariableSpec][] {
  return [
    row(`${prefix}DOMAIN`, mailDomain, RAILS, columns),
    row(`${prefix}AUTH_METHOD`, choice("plain", "login", "cram_md5", "none"), RAILS, columns),
    row(`${prefix}ENABLE_STARTTLS`, choice("auto", "always", "never"), RAILS, columns),
    row(`${prefix}ENABLE_STARTTLS_AUTO`, bool, RAILS, columns),
    row(`${prefix}TLS`, bool, RAILS, columns),
    row(`${prefix}SSL`, bool, RAILS, columns),
    row(
      `${prefix}OPENSSL_VERIFY_MODE`,
      choice("peer", "none", "client_once", "fail_if_no_peer_cert"),
      RAILS,
      columns,
    ),
    row(`${prefix}CA_FILE`, CA_FILE, RAILS, { ...columns, ...ofMachine() }),
  ];
}

/** Rails may use a separate Redis for the cache and for Sidekiq. */
function redisOfItsOwn(prefix: string): [string, VariableSpec][] {
  return [
    row(`${prefix}REDIS_HOST`, redisHost, RAILS, { written: bracketed }),
    row(`${prefix}REDIS_PORT`, port, RAILS),
    row(`${prefix}REDIS_DB`, integer(0, 1000, "0"), RAILS),
    row(`${prefix}REDIS_USER`, redisUser, RAILS),
    row(`${prefix}REDIS_PASSWORD`, redisPassword, RAILS, { secret: true }),
    row(
      `${prefix}REDIS_URL`,
      url,
      RAILS,
      overriding(`${prefix}REDIS_HOST and ${prefix}REDIS_PORT; put those`),
    ),
    row(`${prefix}REDIS_SENTINELS`, SENTINELS, RAILS),
    row(`${prefix}REDIS_SENTINEL_MASTER`, SENTINEL_MASTER, RAILS),
    row(`${prefix}REDIS_SENTINEL_PORT`, port, RAILS),
    row(`${prefix}REDIS_SENTINEL_USERNAME`, text("sentinel", 128), RAILS),
    row(`${prefix}REDIS_SENTINEL_PASSWORD`, PASSWORD, RAILS, { secret: true }),
  ];
}
