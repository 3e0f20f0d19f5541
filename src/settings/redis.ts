import { bracketed } from "../base/address.ts";
import { reveal, Secret } from "../base/secret.ts";
import type { Merged } from "./merge.ts";
import { hasSentinels } from "./sentinels.ts";
import { rankedIn } from "./slot.ts";

/**
 * `REDIS_URL`, only where the host is an IPv6 address: a URL is all that both readers understand then. In `REDIS_HOST`
 * Rails needs brackets, and streaming looks them up as a name. With Sentinel a URL would hide the sentinels.
 */
export function redisUrl(merged: Merged): Secret | undefined {
  const read = (name: string) => {
    const value = rankedIn(merged, name)?.[0].value;
    return value === undefined ? "" : reveal(value);
  };
  const host = read("REDISHOST");
  if (!host.includes(":") || hasSentinels(merged)) return undefined;
  const password = read("REDISPASS");
  const login = password === "" ? "" : `${read("REDIS_USER")}:${encodeURIComponent(password)}@`;
  return new Secret(`redis://${login}${bracketed(host)}:${read("REDISPORT")}/${read("REDIS_DB") || "0"}`);
}

/** Rails takes a user without a password for the password of the default user. */
export function lacksPassword(variable: string, merged: Merged): boolean {
  const password = PASSWORD_OF.get(variable);
  return password !== undefined && rankedIn(merged, password) === undefined;
}

const PASSWORD_OF: ReadonlyMap<string, string> = new Map([
  ["REDIS_USER", "REDISPASS"],
  ["REDIS_USERNAME", "REDISPASS"],
  ["CACHE_REDIS_USER", "CACHE_REDIS_PASSWORD"],
  ["SIDEKIQ_REDIS_USER", "SIDEKIQ_REDIS_PASSWORD"],
]);
