import { setTimeout as sleep } from "node:timers/promises";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";

export interface Situation extends AsyncDisposable {
  readonly consul: ConsulServer;
  readonly agent: TestAgent;
  /** The primary's check turns critical; the replica stays one. */
  losePrimary(): Promise<void>;
}

/** A site with a past: some changes, one of them a failover, one value that is refused, and instances to choose among. */
export async function openSituation(program: string): Promise<Situation> {
  await using opening = new AsyncDisposableStack();
  const consul = opening.use(await startConsul());
  const [first, second] = [opening.use(await startRedis()), opening.use(await startRedis())];
  await registerAll(consul, [first, second]);
  const { REDISHOST: _, DBHOST: __, ...hosts } = HOSTS;
  const agent = opening.use(
    await startAgent({
      consul,
      program,
      environment: hosts,
      config: {
        dependencies: {
          postgres: { probe: false },
          redis: { probe: true },
          s3: { probe: false },
          smtp: { probe: false },
        },
      },
    }),
  );
  await agent.converged();
  await change(consul, agent, "mastodon/settings/MAILHOST", "smtp2.example.org");
  await change(consul, agent, "mastodon/env/SINGLE_USER_MODE", "true");
  await consul.setCheck(instance("redis-1", first), "critical", "connection refused by <redis>\nat once");
  await until("the failover", async () => (await agent.status()).endpoints["redis"]?.port === second.port);
  await agent.converged();
  await change(consul, agent, "mastodon/nodes/jail1/settings/MAILPORT", "587");
  await consul.put("mastodon/settings/DBPORT", "fifty");
  await until("the refusal", async () => (await agent.status()).problems.length > 0);
  const release = opening.move();
  const losePrimary = async () => {
    await consul.setCheck(PRIMARY, "critical");
    await until("it to be told", async () => (await agent.status()).state === "degraded");
  };
  return { consul, agent, losePrimary, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

const POSTGRES = { service: "postgresql", port: 5432 };
const PRIMARY = { ...POSTGRES, id: "postgresql/pg1", address: "10.2.0.11", tags: ["primary"] };
const REPLICA = { ...POSTGRES, id: "postgresql/pg2", address: "10.2.0.12", tags: ["replica"] };

async function registerAll(consul: ConsulServer, redis: readonly RedisServer[]): Promise<void> {
  for (const [at, server] of redis.entries())
    await consul.register({ ...instance(`redis-${at + 1}`, server), status: "passing" });
  await consul.register({ ...PRIMARY, status: "passing" });
  await consul.register({ ...REPLICA, status: "passing" });
}

function instance(id: string, { host, port }: RedisServer) {
  return { id, service: "redis", address: host, port };
}

/** A moment apart from the last one, so that the timeline has something to show. */
async function change(consul: ConsulServer, agent: TestAgent, key: string, value: string): Promise<void> {
  await sleep(1100);
  await consul.put(key, value);
  await until(`${key} to be in force`, async () => {
    const { settings } = await agent.status();
    return settings.some(({ values: [first] }) => first?.where === key && first.value === value);
  });
  await agent.converged();
}
