import { HOSTS } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import type { Mastodon } from "../world/mastodon.ts";
import { type PatroniCluster, type PatroniNode, startPatroni } from "../world/patroni.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";
import { type Site, startSite } from "./site.ts";

/** A site whose database is a Patroni cluster with a table `notes`, which web writes to. */
export interface World {
  readonly consul: ConsulServer;
  readonly cluster: PatroniCluster;
  readonly site: Site;
}

export interface WorldOptions {
  /** How often Consul asks each member for its role; the test world's own where none is given. */
  readonly checkIntervalMs?: number;
  /** Laid over the agent's configuration. */
  readonly config?: (mastodon: Mastodon) => Readonly<Record<string, unknown>>;
}

export async function openWorld(options: WorldOptions = {}): Promise<World & AsyncDisposable> {
  const { checkIntervalMs, config } = options;
  await using starting = new AsyncDisposableStack();
  const consul = starting.use(await startConsul());
  const redis = starting.use(await startRedis());
  const cluster = starting.use(
    await startPatroni({
      consul,
      scope: "main.db",
      namespace: "db",
      ...(checkIntervalMs !== undefined && { checkIntervalMs }),
    }),
  );
  await cluster.node("pg1").query("create table notes (text text)");
  const { user, password, database } = cluster.connection;
  const { service, namespace, scope } = cluster;
  const site = starting.use(
    await startSite({
      consul,
      environment: {
        DBUSER: user,
        DBPASS: password,
        DBNAME: database,
        REDISHOST: redis.host,
        REDISPORT: String(redis.port),
        BUCKETHOST: HOSTS.BUCKETHOST,
      },
      config: (mastodon) => ({
        dependencies: {
          postgres: { service, probe: true, patroni: { namespace, scope } },
          redis: { service: "" },
          s3: { probe: false, service: "" },
          smtp: { probe: false },
        },
        ...config?.(mastodon),
      }),
    }),
  );
  const release = starting.move();
  return { consul, cluster, site, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

/** The leader, and the other one of two. */
export async function membersOf(cluster: PatroniCluster): Promise<{ from: PatroniNode; to: PatroniNode }> {
  const leader = await until("a leader", () => cluster.leader());
  const to = cluster.nodes.find(({ name }) => name !== leader);
  if (to === undefined) throw new Error("the cluster has no second member");
  return { from: cluster.node(leader), to };
}
