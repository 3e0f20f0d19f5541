import { expect, test } from "vitest";
import { entryOf, follow, kill, promote } from "../failover/servers.ts";
import { type Site, startSite } from "../failover/site.ts";
import { HOSTS } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { type PostgresServer, startPostgres } from "../world/postgres.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { startSentinel } from "../world/sentinel.ts";
import { until } from "../world/until.ts";
import { HARD_PASSWORDS } from "./hard-passwords.ts";
import { type Listener, startListener } from "./listener.ts";

const CHECKOUT = process.env["MASTODON"] ?? "";
const TOKEN = "a-token-of-the-first-user";

test("who listens is connected again by a move of Redis, and hears what is published there", async () => {
  await using consul = await startConsul();
  await using postgres = await startDatabase();
  await using one = await startRedis();
  await using two = await startRedis();
  await follow(two, one);
  await consul.register(entryOf("redis-1", one));
  await consul.register(entryOf("redis-2", two));
  await using site = await startRealSite(consul, postgres, { redis: { probe: true } });
  using listener = await startListener(site.mastodon.streamingUrl, TOKEN);
  await hears(listener, one, "before");
  await kill(one);
  await promote(two);
  await consul.setCheck(entryOf("redis-1", one), "critical");
  await hears(listener, two, "after the failover");
  expect(listener.connections()).toBe(2);
  expect((await site.agent.converged()).problems).toEqual([]);
}, 120_000);

test("a move of Postgres takes streaming to where the tokens are", async () => {
  await using consul = await startConsul();
  await using one = await startDatabase();
  await using two = await startDatabase();
  await using redis = await startRedis();
  await using site = await startRealSite(consul, one, {
    environment: { REDISHOST: redis.host, REDISPORT: String(redis.port) },
  });
  using listener = await startListener(site.mastodon.streamingUrl, TOKEN);
  await hears(listener, redis, "before");
  await two.query("update oauth_access_tokens set token = 'another'");
  await consul.put("mastodon/settings/DBPORT", String(two.port));
  await until("the other database to be asked", async () => {
    using other = await startListener(site.mastodon.streamingUrl, "another");
    return other.connections() === 1;
  });
}, 120_000);

test("streaming follows a Sentinel failover by itself, with what is rendered for it", async () => {
  await using consul = await startConsul();
  await using postgres = await startDatabase();
  await using redis = await startSentinel({ name: "mastodon" });
  for (const [at, { host, port }] of redis.sentinels.entries()) {
    const entry = { id: `s${at}`, service: "redis-sentinel", address: host, port } as const;
    await consul.register({ ...entry, status: "passing" });
  }
  await using site = await startRealSite(consul, postgres, {
    redis: { probe: false, service: "", sentinel: { master: redis.name } },
  });
  using listener = await startListener(site.mastodon.streamingUrl, TOKEN);
  await hears(listener, await redis.primary(), "before");
  const victim = await redis.killPrimary();
  const promoted = await until("another primary", async () => {
    const primary = await redis.primary();
    return primary.port !== victim.port && primary;
  });
  await hears(listener, promoted, "after the failover");
  expect(listener.connections(), "nothing was restarted").toBe(1);
}, 120_000);

test("a database password gets through, however hard it is to quote", async () => {
  await using consul = await startConsul();
  await using postgres = await startDatabase();
  await postgres.query("create role site superuser login password 'easy'");
  await using redis = await startRedis();
  await using site = await startRealSite(consul, postgres, {
    environment: { REDISHOST: redis.host, REDISPORT: String(redis.port), DBUSER: "site", DBPASS: "easy" },
  });
  for (const password of HARD_PASSWORDS) {
    await postgres.query(`alter role site password ${quoted(password)}`);
    await consul.put("mastodon/settings/DBPASS", password);
    await until(
      `${password} to be in the file`,
      async () => (await site.variables())["DB_PASS"] === password,
    );
    await site.agent.converged();
    using listener = await startListener(site.mastodon.streamingUrl, TOKEN);
    await hears(listener, redis, password);
  }
}, 300_000);

interface RealSiteOptions {
  readonly redis?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

async function startRealSite(
  consul: ConsulServer,
  postgres: PostgresServer,
  { redis = { probe: true, service: "" }, environment = {} }: RealSiteOptions,
): Promise<Site> {
  const { host, port, user, password, database } = postgres;
  const { REDISHOST: _, ...hosts } = HOSTS;
  return startSite({
    consul,
    streaming: `${CHECKOUT}/streaming`,
    environment: {
      ...hosts,
      DBHOST: host,
      DBPORT: String(port),
      DBUSER: user,
      DBPASS: password,
      DBNAME: database,
      ...environment,
    },
    config: {
      dependencies: {
        postgres: { probe: true, service: "" },
        redis,
        s3: { probe: false, service: "" },
        smtp: { probe: false },
      },
    },
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** As far as streaming looks at it: one user with a token. */
async function startDatabase(): Promise<PostgresServer> {
  const postgres = await startPostgres();
  await postgres.query(`
    create table accounts (id bigint, suspended_at timestamp);
    create table user_roles (id bigint, permissions bigint);
    create table users (id bigint, account_id bigint, role_id bigint, chosen_languages text[], disabled boolean);
    create table oauth_access_tokens (id bigint, resource_owner_id bigint, token text, scopes text, revoked_at timestamp);
    insert into accounts values (1, null);
    insert into users values (1, 1, null, null, false);
    insert into oauth_access_tokens values (1, 1, '${TOKEN}', 'read', null)`);
  return postgres;
}

/** What is published before it has subscribed is lost, as with any Redis: so it is said again. */
async function hears(listener: Listener, redis: RedisServer, text: string): Promise<void> {
  await until(
    `"${text}" to be heard`,
    async () => {
      await redis.command("publish", "timeline:1", JSON.stringify({ event: "delete", payload: text }));
      return listener.heard().includes(text);
    },
    60_000,
  );
}
