/** Redis as Mastodon's own libraries find it with what was put through KV. */
import { afterAll, expect, test } from "vitest";
import { quote } from "../../src/render/dotenv.ts";
import { redisPassword, redisUser } from "../../src/settings/redis-types.ts";
import { hardValues } from "../render/hard-values.ts";
import { HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";
import { puttingTogether } from "./put-together.ts";
import { readByRails, readByStreaming, streamingClient } from "./redis-readers.ts";

const world = new AsyncDisposableStack();
const consul = world.use(await startConsul());
const services = { redis_cache: { service: "cache" }, redis_sidekiq: { service: "queue" } };
const agent = world.use(
  await startAgent({ consul, environment: HOSTS, config: { dependencies: { ...UNPROBED, ...services } } }),
);
await agent.converged();
const put = puttingTogether(consul, agent);
afterAll(() => world.disposeAsync());

const HARD = `p@ss:w/rd?#%zz+&= "é`;

const CASES = [
  ["an address", { REDISHOST: "10.9.9.5" }, { host: "10.9.9.5" }],
  ["a password", { REDISHOST: "10.9.9.5", REDISPASS: HARD }, { host: "10.9.9.5", password: HARD }],
  ["IPv6", { REDISHOST: "fd00::5" }, { host: "fd00::5" }],
  ["IPv6 in brackets", { REDISHOST: "[2001:DB8::6]" }, { host: "2001:db8::6" }],
  ["IPv6, a password", { REDISHOST: "::1", REDISPASS: HARD }, { host: "::1", password: HARD }],
  [
    "IPv6, a user",
    { REDISHOST: "::1", REDISPASS: HARD, REDIS_USER: "site-1" },
    { host: "::1", user: "site-1", password: HARD },
  ],
  ["a user without a password", { REDISHOST: "10.9.9.5", REDIS_USER: "site-1" }, { host: "10.9.9.5" }],
  [
    "a user",
    { REDISHOST: "10.9.9.5", REDISPASS: HARD, REDIS_USER: "site_1" },
    { host: "10.9.9.5", user: "site_1", password: HARD },
  ],
] as const;

test.each(CASES)("%s: Rails and streaming find the same Redis", async (_, values, where) => {
  const text = await put({ REDISPORT: "6390", REDIS_DB: "3", ...values });
  const wanted = { port: 6390, db: 3, user: "", password: "", ...where };
  const [rails] = await readByRails([text]);
  expect(rails?.[""]).toEqual({ ...wanted, isUserPlain: true });
  expect(readByStreaming(text)).toEqual(wanted);
});

test.each(["CACHE_", "SIDEKIQ_"] as const)("Rails finds %sREDIS_HOST, and IPv6 too", async (prefix) => {
  for (const host of ["10.9.9.5", "fd00::5"]) {
    const text = await put({
      [`${prefix}REDIS_HOST`]: host,
      [`${prefix}REDIS_PORT`]: "6390",
      [`${prefix}REDIS_USER`]: "site-1",
      [`${prefix}REDIS_PASSWORD`]: HARD,
    });
    const [rails] = await readByRails([text]);
    const wanted = { host, port: 6390, db: 0, user: "site-1", password: HARD };
    expect(rails?.[prefix]).toEqual({ ...wanted, isUserPlain: true });
  }
});

test("a Redis on IPv6 in the catalogue reaches both", async () => {
  await put({});
  const instance = {
    id: "redis1",
    service: "redis",
    address: "fd00::8",
    port: 6392,
    status: "passing",
  } as const;
  await consul.register(instance);
  await until("its address in the file", async () => (await agent.variables())["REDIS_HOST"] === "fd00::8");
  const text = await put({ REDISPASS: HARD });
  const wanted = { host: "fd00::8", port: 6392, db: 0, user: "", password: HARD };
  const [rails] = await readByRails([text]);
  expect(rails?.[""]).toEqual({ ...wanted, isUserPlain: true });
  expect(readByStreaming(text)).toEqual(wanted);
});

test("with Sentinel no URL hides the sentinels", async () => {
  const sentinels = { REDIS_SENTINELS: "10.0.0.31:26379", REDIS_SENTINEL_MASTER: "mymaster" };
  const text = await put({ REDISHOST: "::1", ...sentinels });
  expect(text).not.toContain("REDIS_URL");
});

test("both readers log in to a real Redis on IPv6", async () => {
  await using redis = await startRedis({ host: "::1", password: HARD });
  const text = await put({ REDISHOST: "::1", REDISPORT: String(redis.port), REDISPASS: HARD });
  const [rails] = await readByRails([text], { ask: true });
  expect(rails?.[""]).toMatchObject({ host: "::1", answer: "PONG" });
  const client = streamingClient(text);
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
});

const REFUSED = [
  ["REDISPASS", "ab%41cd"],
  ["REDISPASS", "ends in a blank "],
  ["REDISPASS", "e\u0301"],
  ["REDIS_USER", "a@b"],
  ["REDIS_USER", "a:b"],
  ["REDIS_USER", "a b"],
  ["CACHE_REDIS_PASSWORD", "%7e"],
  ["SIDEKIQ_REDIS_USER", "jö"],
] as const;

test("what Rails would read otherwise is refused by name, and not shown", async () => {
  for (const [name, value] of REFUSED) {
    await put({ [name]: value });
    const { problems } = await agent.status();
    const [found] = problems.filter(({ code }) => code === "input_refused");
    expect(found?.message, name).toMatch(new RegExp(`/${name}: .*Mastodon's Rails would log in`));
    expect(found?.message, name).not.toContain(value);
  }
});

test.each([
  ["REDISHOST", "rediss://redis.example.org:6380"],
  ["REDISHOST", "/run/redis/redis.sock"],
  ["CACHE_REDIS_HOST", "unix:///run/redis/redis.sock"],
  ["REDIS_URL", "rediss://redis.example.org:6380/0"],
])("%s %s: the refusal says that TLS and sockets need a local proxy", async (name, value) => {
  await put({ [name]: value });
  const { problems } = await agent.status();
  const [found] = problems.filter(({ code }) => code === "input_refused");
  expect(found?.message).toMatch(new RegExp(`/${name}: .*without TLS.*unix socket.*local proxy`));
});

test("every accepted user and password arrives at Rails as it was put", async () => {
  const texts = [...hardValues(6000), ..."%4 %zz 100% %% a%b %25 ﬁ Å Å ｘ ² ..".split(" ")];
  const passwords = texts.filter((text) => redisPassword.accept(text) === text);
  const users = texts.filter((text) => redisUser.accept(text) === text);
  expect(passwords.length).toBeGreaterThan(1000);
  const files = [
    ...passwords.map((password) => `REDIS_HOST=h\nREDIS_PORT=1\nREDIS_PASSWORD=${quote(password)}\n`),
    ...users.map((user) => `REDIS_HOST=h\nREDIS_PORT=1\nREDIS_PASSWORD=x\nREDIS_USER=${quote(user)}\n`),
  ];
  const seen = (await readByRails(files)).map((rails) => rails[""]);
  expect(seen.slice(0, passwords.length).map((rails) => rails?.password)).toEqual(passwords);
  const names = seen.slice(passwords.length);
  expect(names.map((rails) => rails?.user)).toEqual(users);
  expect(names.every((rails) => rails?.isUserPlain)).toBe(true);
});

test("an IPv6 address of the cache's or Sidekiq's Redis in the catalogue reaches Rails", async () => {
  for (const service of ["cache", "queue"])
    await consul.register({ id: service, service, address: "fd00::7", port: 6391, status: "passing" });
  await until("both in the file", async () => {
    const { CACHE_REDIS_HOST, SIDEKIQ_REDIS_HOST } = await agent.variables();
    return CACHE_REDIS_HOST !== undefined && SIDEKIQ_REDIS_HOST !== undefined;
  });
  const [rails] = await readByRails([await put({})]);
  expect(rails?.["CACHE_"]).toMatchObject({ host: "fd00::7", port: 6391 });
  expect(rails?.["SIDEKIQ_"]).toMatchObject({ host: "fd00::7", port: 6391 });
});
