/**
 * What Redis's user and password may be. Rails writes both into a URL, Addressable normalizes it, and Rails' Redis client
 * takes it apart again; streaming takes them as they are. Source: `lib/mastodon/redis_configuration.rb`.
 */
import { host, matching, text, type ValueType } from "./types.ts";

const line = text("(a password)", 1024);

const server = host("redis.example.org");

/** Mastodon has no variables for more; `rediss://` and `unix://` would have to be a URL. */
export const redisHost: ValueType = {
  ...server,
  expected: `${server.expected}; without TLS (rediss://) and not over a unix socket, which cannot be configured: use a local proxy that speaks TLS or connects to the socket (stunnel, HAProxy), and put 127.0.0.1 and its port`,
};

/** What Addressable decodes (`%41`), drops (blanks at the ends) or rewrites (NFKC) is another password for Rails. */
export const redisPassword: ValueType = {
  expected: `${line.expected}; and, because Mastodon's Rails would log in with another password, without % before two hexadecimal digits, without spaces at either end, and without characters that Unicode's normal form NFKC replaces`,
  example: "(a password of letters and digits)",
  accept: (value) => (isKeptInUrl(value) ? line.accept(value) : undefined),
};

/** Rails' Redis client does not decode the user of a URL. */
export const redisUser: ValueType = matching(
  /^[A-Za-z0-9._~-]{1,128}$/,
  "a name of at most 128 letters, digits and . _ ~ - (with others, Mastodon's Rails would log in as another user)",
  "mastodon",
);

function isKeptInUrl(value: string): boolean {
  return !/%[\da-f]{2}/i.test(value) && value.trim() === value && value.normalize("NFKC") === value;
}
