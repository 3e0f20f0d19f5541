import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { GOSSIP_KEY, HOSTS, JAIL, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { type PostgresServer, startPostgres } from "../world/postgres.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { startTcpProxy, type TcpProxy } from "../world/tcp-proxy.ts";
import { type ConsulClient, startClient } from "./client.ts";
import { makePair, type Pair, type Server } from "./pair.ts";
import { Wishes } from "./wishes.ts";

/** Everything that can be troubled: real servers, and an agent that reaches all of them through proxies. */
export interface Ground extends AsyncDisposable {
  readonly consul: ConsulServer;
  readonly client: ConsulClient;
  /** Between the agent and its Consul client. */
  readonly proxy: TcpProxy;
  readonly postgres: Pair;
  readonly redis: Pair;
  readonly agent: TestAgent;
  readonly wishes: Wishes;
  /** Whether the unit's reloads fail from now on. */
  readonly breakUnit: (unit: string, isBroken: boolean) => Promise<void>;
  isConsulUp: boolean;
}

export const UNITS = ["sidekiq", "web", "streaming"] as const;

export async function openGround(): Promise<Ground> {
  await using starting = new AsyncDisposableStack();
  const consul = starting.use(await startConsul({ gossipKey: GOSSIP_KEY, maxConnections: 5000 }));
  const client = starting.use(await startClient(consul, JAIL.NODENAME));
  const proxy = starting.use(await startTcpProxy(client));
  const database = { password: JAIL.DBPASS, user: JAIL.DBUSER, database: JAIL.DBNAME };
  const databases = await both(starting, () => startPostgres(database));
  const caches = await both(starting, () => startRedis());
  const postgres = starting.use(
    await makePair("postgresql", [withoutRoles(databases[0]), withoutRoles(databases[1])], consul),
  );
  const redis = starting.use(await makePair("redis", [withRoles(caches[0]), withRoles(caches[1])], consul));
  for (const { lead, instances } of [postgres, redis]) await lead(...instances);
  const agent = starting.use(
    await startAgent({
      consul: { address: `http://${proxy.host}:${proxy.port}` },
      environment: { BUCKETHOST: HOSTS.BUCKETHOST, CONSULSERVERS: consul.join },
      config,
      logLevel: "info",
    }),
  );
  const release = starting.move();
  return {
    consul,
    client,
    proxy,
    postgres,
    redis,
    agent,
    wishes: new Wishes(),
    breakUnit: async (unit, isBroken) => {
      const marker = markerOf(agent.folder, unit);
      if (isBroken) await writeFile(marker, "");
      else if (existsSync(marker)) await rm(marker);
    },
    isConsulUp: true,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Short spans, so that ten minutes hold many of them; the fleet lock stays on. */
function config(folder: string): Readonly<Record<string, unknown>> {
  const unit = (name: string) => ({
    reload: [
      {
        run: [
          "sh",
          "-c",
          `test ! -e ${markerOf(folder, name)} && echo ${name} >> ${path.join(folder, "reloads.log")}`,
        ],
      },
    ],
  });
  return {
    dependencies: {
      postgres: { probe: true },
      redis: { probe: true },
      s3: { probe: false, service: "" },
      smtp: { probe: false },
      dwell: "2s",
    },
    units: Object.fromEntries(UNITS.map((name) => [name, unit(name)])),
    settle: { min: "50ms", max: "500ms" },
    reload: { min_interval: "500ms" },
  };
}

function markerOf(folder: string, unit: string): string {
  return path.join(folder, `${unit}-is-broken`);
}

async function both<T extends AsyncDisposable>(
  stack: AsyncDisposableStack,
  make: () => Promise<T>,
): Promise<readonly [T, T]> {
  return [stack.use(await make()), stack.use(await make())];
}

/** Two primaries that know nothing of each other: the catalogue alone says which one is meant. */
function withoutRoles(server: PostgresServer): Server {
  const { host, port, stop, start } = server;
  return { host, port, stop, start, promote: async () => {}, follow: async () => {} };
}

function withRoles(server: RedisServer): Server {
  const { host, port, stop, start, command } = server;
  return {
    host,
    port,
    stop,
    start,
    promote: async () => void (await command("replicaof", "no", "one")),
    follow: async (other) => void (await command("replicaof", other.host, String(other.port))),
  };
}
