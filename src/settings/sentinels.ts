import type { Merged } from "./merge.ts";
import { isPut } from "./wish.ts";

/** Mastodon asks the sentinels only if it has both. */
export const SENTINEL_VARIABLES = ["REDIS_SENTINELS", "REDIS_SENTINEL_MASTER"] as const;

/** Mastodon asks the sentinels, and uses no other host. */
export function hasSentinels({ variables }: Pick<Merged, "variables">): boolean {
  return SENTINEL_VARIABLES.every((name) => variables.has(name));
}

/**
 * The operator has put a Redis host, and the sentinels are the catalogue's: Mastodon would ask them, and never use the
 * host.
 */
export function overridesSentinels({ settings, variables }: Merged): boolean {
  const isHostPut = isPut(settings.get("REDISHOST")?.[0].level);
  return isHostPut && variables.get("REDIS_SENTINELS")?.[0].level === "catalogue";
}

/** Removes the catalogue's sentinels in favour of the operator's host. The operator's own sentinels stay. */
export function withoutOverriddenSentinels(merged: Merged): Merged {
  if (!overridesSentinels(merged)) return merged;
  const variables = new Map(merged.variables);
  for (const name of SENTINEL_VARIABLES) {
    if (variables.get(name)?.[0].level === "catalogue") variables.delete(name);
  }
  return { ...merged, variables };
}
