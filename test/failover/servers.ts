import type { CatalogueInstance, CheckStatus, ConsulHttp } from "../world/consul-http.ts";
import type { RedisServer } from "../world/redis.ts";
import { until } from "../world/until.ts";

/** A Redis as an operator registers it. */
export function entryOf(id: string, { host, port }: RedisServer, tags: readonly string[] = []) {
  const status: CheckStatus = "passing";
  return { id, service: "redis", address: host, port, tags, status } satisfies CatalogueInstance;
}

/** Makes it a replica, and returns once it has the primary's data. */
export async function follow(replica: RedisServer, primary: RedisServer): Promise<void> {
  await replica.command("replicaof", primary.host, String(primary.port));
  await until("the replica to follow", async () => (await replica.command("role")).includes("connected"));
}

/** A primary, and a replica that has its data, as an operator registers them: both alike, or each with its role. */
export async function registerPair(
  consul: Pick<ConsulHttp, "register">,
  primary: RedisServer,
  replica: RedisServer,
  [primaryTags, replicaTags]: readonly [readonly string[], readonly string[]] = [[], []],
): Promise<void> {
  await follow(replica, primary);
  await consul.register(entryOf("redis-1", primary, primaryTags));
  await consul.register(entryOf("redis-2", replica, replicaTags));
}

export async function promote(replica: RedisServer): Promise<void> {
  await replica.command("replicaof", "no", "one");
}

/** `master`, `slave`; undefined where it does not answer. */
export async function roleOf(server: RedisServer): Promise<string | undefined> {
  const answer = await server.command("role").catch(() => undefined);
  return answer?.split("\n")[0];
}

/** SIGKILL. Its `start` brings it back. */
export async function kill(server: RedisServer): Promise<void> {
  const pid = Number(/^process_id:(\d+)/m.exec(await server.command("info", "server"))?.[1]);
  process.kill(pid, "SIGKILL");
  await server.stop();
}
