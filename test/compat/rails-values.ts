import { HARD_PASSWORDS } from "./hard-passwords.ts";

/** Where Mastodon's own configuration has the value of a key in KV. */
export interface Reading {
  readonly key: string;
  /** Names on the way to it in what `rails-configuration.rb` prints. */
  readonly at: readonly string[];
  /** All hard in some way: for a shell, for dotenv, for YAML, for a URL. */
  readonly values: readonly string[];
  /** Those that Mastodon would read as something else. */
  readonly refused?: readonly string[];
  /** What a value becomes there, if that is not the text itself. */
  readonly as?: (value: string) => unknown;
}

const PASSWORDS = [...HARD_PASSWORDS, "- [yaml]: {x}"];
/** What YAML takes for a number, a date, a truth, or nothing, wherever Mastodon does not quote it. */
const YAML_WORDS = ["0123", "null", "yes", "0x1f", "1_000", "2026-01-01", "off", "12:30"];
const HOSTS = ["db.example.org", "10.0.0.7", "xn--mnchen-3ya.example"];
const NO_HOSTS = ["0123"];

const database = ["database", "primary"];
const replica = ["database", "replica"];
const smtp = ["smtp"];
const bulk = ["email", "bulk_mail", "smtp_settings"];
const storage = ["storage", "s3_credentials"];
const number = (value: string) => Number(value);

export const READINGS: readonly Reading[] = [
  { key: "settings/DBHOST", at: [...database, "host"], values: HOSTS, refused: NO_HOSTS },
  { key: "settings/DBPORT", at: [...database, "port"], values: ["6432", "65535"], as: number },
  { key: "settings/DBNAME", at: [...database, "database"], values: ["mastodon-prod"], refused: YAML_WORDS },
  { key: "settings/DBUSER", at: [...database, "username"], values: ["site_1"], refused: YAML_WORDS },
  { key: "settings/DBPASS", at: [...database, "password"], values: PASSWORDS },
  { key: "env/REPLICA_DB_PASS", at: [...replica, "password"], values: PASSWORDS },
  { key: "env/REPLICA_DB_NAME", at: [...replica, "database"], values: [], refused: YAML_WORDS },
  { key: "env/REPLICA_DB_HOST", at: [...replica, "host"], values: HOSTS, refused: NO_HOSTS },
  { key: "env/DB_SSLMODE", at: [...database, "sslmode"], values: ["disable", "require"], refused: ["null"] },
  { key: "settings/MAILHOST", at: [...smtp, "address"], values: ["smtp2.example.org"], refused: NO_HOSTS },
  { key: "settings/MAILPORT", at: [...smtp, "port"], values: ["587", "2525"], as: number },
  {
    key: "settings/MAILUSER",
    at: [...smtp, "user_name"],
    values: ["me@example.org", "some_user", "a+b"],
  },
  { key: "settings/MAILPASS", at: [...smtp, "password"], values: PASSWORDS },
  {
    key: "settings/MAILFROM",
    at: ["email", "from_address"],
    values: ["notes@example.org", "Mastodon <notes@example.org>"],
    refused: ["null", "a@b, c@d"],
  },
  {
    key: "env/SMTP_REPLY_TO",
    at: ["email", "reply_to"],
    values: ["hi@example.org", "Us <hi@example.org>"],
    refused: ["null"],
  },
  { key: "env/SMTP_DOMAIN", at: [...smtp, "domain"], values: ["mail.example.org"], refused: YAML_WORDS },
  {
    key: "env/SMTP_AUTH_METHOD",
    at: [...smtp, "authentication"],
    values: ["login", "cram_md5"],
    refused: ["null"],
  },
  {
    key: "env/SMTP_OPENSSL_VERIFY_MODE",
    at: [...smtp, "openssl_verify_mode"],
    values: ["none", "peer"],
    refused: ["no"],
  },
  { key: "env/BULK_SMTP_SERVER", at: [...bulk, "address"], values: ["bulk.example.org"] },
  { key: "env/BULK_SMTP_PASSWORD", at: [...bulk, "password"], values: PASSWORDS },
  { key: "settings/BUCKETNAME", at: [...storage, "bucket"], values: ["media.example", "0123"] },
  { key: "settings/BUCKETUSER", at: [...storage, "access_key_id"], values: ["AKIA/+=", "null"] },
  { key: "settings/BUCKETPASS", at: [...storage, "secret_access_key"], values: PASSWORDS },
  { key: "settings/BUCKETREGION", at: ["storage", "s3_region"], values: ["eu-central-1", "null"] },
  { key: "settings/BUCKETALIAS", at: ["storage", "s3_host_alias"], values: ["files2.example.org"] },
  { key: "settings/WEBDOMAIN", at: ["hosts", "web"], values: ["www.example.org"] },
  {
    key: "env/ALTERNATE_DOMAINS",
    at: ["hosts", "alternate"],
    values: ["a.example.org,b.example.org"],
    as: (value) => value.split(","),
  },
  {
    key: "env/STREAMING_API_BASE_URL",
    at: ["hosts", "streaming"],
    values: ["wss://stream.example.org"],
  },
  {
    key: "env/EMAIL_DOMAIN_DENYLIST",
    at: ["domains", "deny"],
    values: ["a.example|b.example"],
    refused: ["a.example,b.example"],
  },
  { key: "env/ES_USER", at: ["search", "user"], values: ["elastic", "null"] },
  { key: "env/ES_PASS", at: ["search", "password"], values: PASSWORDS },
  { key: "env/ES_PREFIX", at: ["search", "prefix"], values: ["mastodon_1", "0123"] },
  { key: "env/DEEPL_API_KEY", at: ["translation", "deepl", "api_key"], values: PASSWORDS },
  { key: "env/DEEPL_PLAN", at: ["translation", "deepl", "plan"], values: ["pro", "free"], refused: ["yes"] },
  {
    key: "env/LIBRE_TRANSLATE_ENDPOINT",
    at: ["translation", "libre_translate", "endpoint"],
    values: ["https://translate.example.org/api"],
  },
  {
    key: "env/ALLOWED_PRIVATE_ADDRESSES",
    at: ["private"],
    values: ["10.0.0.1,192.168.0.0/24"],
    as: () => ["10.0.0.1", "192.168.0.0"],
  },
];
