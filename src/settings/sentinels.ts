import type { Merged } from "./merge.ts";
import { isPut } from "./wish.ts";

/** Mastodon asks the sentinels only if it has both. */
export const SENTINEL_VARIABLES = ["REDIS_SENTINELS", "REDIS_SENTINEL_MASTER"] as const;

/** Mastodon asks the sentinels, and uses no other host. */
export function hasSentinels({ variables }: Pick<Merged, "variables">): boolean {
  return SENTINEL_VARIABLES.every((name) => variables.has(name));
}

/**
 * A Redis host counts more than these sentinels: the operator's more than the catalogue's, and any source's more than
 * those of the file that was there before. With both, Mastodon would ask the sentinels, and never use the host.
 */
export function overridesSentinels({ settings, variables }: Merged): boolean {
  const host = settings.get("REDISHOST")?.[0].level;
  const sentinels = variables.get("REDIS_SENTINELS")?.[0].level;
  return (sentinels === "catalogue" && isPut(host)) || (sentinels === "live file" && host !== undefined);
}

/** Removes the sentinels in favour of a host that counts more. The operator's own sentinels stay. */
export function withoutOverriddenSentinels(merged: Merged): Merged {
  if (!overridesSentinels(merged)) return merged;
  const variables = new Map(merged.variables);
  const level = variables.get("REDIS_SENTINELS")?.[0].level;
  for (const name of SENTINEL_VARIABLES) {
    if (variables.get(name)?.[0].level === level) variables.delete(name);
  }
  return { ...merged, variables };
}
