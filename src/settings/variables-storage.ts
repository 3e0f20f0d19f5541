/** Where media are, if not in S3, and what is told when they change: Mastodon's `config/initializers/paperclip.rb`. */
import { absolutePath, boolean as bool, hostname, integer, matching, text, url } from "./types.ts";
import { family, ofMachine, type VariableSpec } from "./variable.ts";

const LINE = text("(a text)");
const SECRET = [text("(a password)"), { secret: true }] as const;

export const OTHER_STORAGE: readonly [string, VariableSpec][] = [
  ...family("SWIFT_", {
    ENABLED: bool,
    USERNAME: LINE,
    PROJECT_ID: LINE,
    TENANT: LINE,
    PASSWORD: SECRET,
    AUTH_URL: url,
    DOMAIN_NAME: LINE,
    REGION: LINE,
    CACHE_TTL: integer(0, 86_400, "60"),
    TEMP_URL_KEY: SECRET,
    CONTAINER: LINE,
    OBJECT_URL: url,
  }),
  ...family("AZURE_", {
    ENABLED: bool,
    STORAGE_ACCOUNT: LINE,
    STORAGE_ACCESS_KEY: SECRET,
    CONTAINER_NAME: LINE,
    ALIAS_HOST: hostname,
  }),
  ...family("PAPERCLIP_ROOT_", {
    PATH: [absolutePath("/mnt/mastodon/system"), ofMachine()],
    URL: matching(/^(https?:\/)?\/[\w.:/-]+$/, "a URL, or its path below the site", "/system"),
  }),
  ...family("CACHE_BUSTER_", {
    ENABLED: bool,
    HTTP_METHOD: matching(/^[A-Z]{3,16}$/, "a method of HTTP", "PURGE"),
    SECRET_HEADER: matching(/^[\w-]{1,128}$/, "the name of a header", "X-Purge-Secret"),
    SECRET,
  }),
];
