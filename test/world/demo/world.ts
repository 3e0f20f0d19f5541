import { randomBytes } from "node:crypto";
import { type ConsulServer, startConsul } from "../consul.ts";
import { type Mastodon, prepareMastodon } from "../mastodon.ts";
import { loopbackAddress } from "../ports.ts";
import { type PostgresServer, startPostgres } from "../postgres.ts";
import { type RedisServer, startRedis } from "../redis.ts";
import { until } from "../until.ts";
import { type DemoAgent, startDemoAgent } from "./agent.ts";
import { type Ground, openGround } from "./ground.ts";

export interface DemoWorld extends AsyncDisposable {
  readonly ground: Ground;
  readonly consul: ConsulServer;
  readonly postgres: PostgresServer;
  readonly redis1: RedisServer;
  readonly redis2: RedisServer;
  readonly mastodon: Mastodon;
  readonly agent: DemoAgent;
}

/** Hears what is still awaited, again and again. */
export type Waiting = (names: readonly string[]) => void;

/** Consul asks for at least a second. */
const CHECK_INTERVAL = "1s";

/** Starts everything, side by side where nothing depends on another. What has started is stopped if the rest fails. */
export async function startDemoWorld(waiting: Waiting, signal: AbortSignal): Promise<DemoWorld> {
  await using starting = new AsyncDisposableStack();
  const ground = starting.use(await openGround());
  // Only prepared: its units are the agent's to start, and end with all that outlives the agent.
  const mastodon = await prepareMastodon({ folder: ground.file("mastodon") });
  const [address1, address2, databaseAddress] = await Promise.all([
    loopbackAddress(),
    loopbackAddress(),
    loopbackAddress(),
  ]);
  const parts = {
    consul: startConsul({ gossipKey: randomBytes(32).toString("base64") }),
    postgres: startPostgres({ host: databaseAddress, password: randomBytes(12).toString("hex") }),
    redis1: startRedis({ host: address1 }),
    redis2: startRedis({ host: address2 }),
  };
  await adopt(parts, starting, waiting);
  const [consul, postgres, redis1, redis2] = await Promise.all([
    parts.consul,
    parts.postgres,
    parts.redis1,
    parts.redis2,
  ]);
  signal.throwIfAborted();
  await Promise.all([
    registerWithCheck(consul, { name: "postgresql", id: "postgresql-1", ...postgres }),
    registerWithCheck(consul, { name: "redis", id: "redis-1", ...redis1 }),
    registerWithCheck(consul, { name: "redis", id: "redis-2", ...redis2 }),
  ]);
  starting.defer(async () => ground.endDetached());
  const agent = starting.use(await startDemoAgent({ ground, consul, postgres, mastodon }));
  const release = starting.move();
  return {
    ground,
    consul,
    postgres,
    redis1,
    redis2,
    mastodon,
    agent,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Waits for all of them, also if one fails, so that none is left behind. */
async function adopt(
  parts: Readonly<Record<string, Promise<AsyncDisposable>>>,
  starting: AsyncDisposableStack,
  waiting: Waiting,
): Promise<void> {
  const open = new Set(Object.keys(parts));
  waiting([...open]);
  const each = Object.entries(parts).map(async ([name, part]) => {
    starting.use(await part);
    open.delete(name);
    waiting([...open]);
  });
  await Promise.allSettled(each);
}

interface CheckedService {
  readonly name: string;
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** As an operator does it beside a server: an entry whose TCP check the Consul agent there carries out. */
async function registerWithCheck(
  consul: ConsulServer,
  { name, id, host, port }: CheckedService,
): Promise<void> {
  await consul.request("PUT", "/v1/agent/service/register", {
    ID: id,
    Name: name,
    Address: host,
    Port: port,
    Check: {
      Name: `${id} answers`,
      TCP: `${host}:${port}`,
      Interval: CHECK_INTERVAL,
      Timeout: "500ms",
      // It does, or we were not here.
      Status: "passing",
    },
  });
  await until(`${id} to be in the catalogue`, async () =>
    JSON.stringify(await consul.request("GET", `/v1/health/service/${name}?passing`)).includes(
      `"ID":"${id}"`,
    ),
  );
}
