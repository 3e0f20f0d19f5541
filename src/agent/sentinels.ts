import { type Instance, isDown } from "../settings/instance.ts";
import type { Wish } from "../settings/wish.ts";
import type { Memory } from "./memory.ts";

/**
 * If Sentinel guards Redis, Mastodon gets the sentinels and the master's name, and finds the master by itself. The list
 * in use stays while every sentinel is down: an old list is better than none.
 */
export function sentinelWishes(
  instances: readonly Instance[],
  master: string,
  memory: Pick<Memory, "sentinels">,
): ReadonlyMap<string, Wish> {
  const alive = instances.filter((instance) => !isDown(instance)).map(({ host, port }) => `${host}:${port}`);
  const list = [...new Set(alive)].sort().join(",") || memory.sentinels;
  if (list === "") return new Map();
  const wish = { level: "catalogue", where: "Sentinel" } as const;
  return new Map<string, Wish>([
    ["REDIS_SENTINELS", { ...wish, value: list }],
    ["REDIS_SENTINEL_MASTER", { ...wish, value: master }],
  ]);
}
