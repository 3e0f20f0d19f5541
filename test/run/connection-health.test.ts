/** Healthy means probed, with the credentials in force; what was not probed says so. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { type PostgresServer, startPostgres } from "../world/postgres.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { type S3Server, startS3 } from "../world/s3.ts";
import { startSmtp } from "../world/smtp.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
let postgres: PostgresServer;
let redis: RedisServer;
let s3: S3Server;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  [consul, postgres, redis, s3] = await Promise.all([
    startConsul(),
    startPostgres(),
    startRedis(),
    startS3(),
  ]);
  for (const server of [consul, postgres, redis, s3]) stack.use(server);
  await postgres.query(`create role site login password '${postgres.password}'`);
});
afterAll(() => stack.disposeAsync());

interface Fault {
  readonly what: string;
  readonly dependency: "postgres" | "redis" | "s3";
  readonly break: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  readonly reason: RegExp;
}

const FAULTS: readonly Fault[] = [
  {
    what: "the storage is stopped",
    dependency: "s3",
    break: () => s3.stop(),
    mend: () => s3.start(),
    reason: /refuses connections/,
  },
  {
    what: "the password is rotated on the server alone",
    dependency: "postgres",
    break: () => postgres.query("alter role site password 'another'"),
    mend: () => postgres.query(`alter role site password '${postgres.password}'`),
    reason: /refuses the password of user "site"/,
  },
  {
    what: "the database is made read-only",
    dependency: "postgres",
    break: () => postgres.query("alter role site set default_transaction_read_only = on"),
    mend: () => postgres.query("alter role site reset default_transaction_read_only"),
    reason: /read-only|does not accept writes|not take writes/,
  },
  {
    what: "Redis dies",
    dependency: "redis",
    break: () => redis.stop(),
    mend: () => redis.start(),
    reason: /refuses connections/,
  },
  {
    what: "the memory of Redis is full",
    dependency: "redis",
    break: () => redis.command("config", "set", "maxmemory", "1"),
    mend: () => redis.command("config", "set", "maxmemory", "0"),
    reason: /refuses writes: its memory is full/,
  },
];

test("a connection that stops working on an idle site is a problem, in status, metrics and on the page", async () => {
  await using agent = await startAgent(site("rest"));
  await agent.converged();
  await until("every connection to be looked at", async () => {
    const { endpoints } = await agent.status();
    return ["postgres", "redis", "s3"].every((name) => endpoints[name]?.check.healthy === true);
  });
  expect(await text(agent, "/metrics")).toContain('mastodon_agent_connection_up{dependency="postgres"} 1\n');
  expect((await agent.status()).endpoints["smtp"]?.check.healthy, "nobody looked at it").toBeNull();
  expect(await text(agent, "/")).toContain("not checked");
  for (const fault of FAULTS) {
    await fault.break();
    const problem = await until(fault.what, async () =>
      (await agent.status()).problems.find(
        ({ code, about }) => code === "connection_failing" && about === fault.dependency,
      ),
    );
    expect(problem.message).toMatch(fault.reason);
    const { state, reason, endpoints } = await agent.status();
    expect([state, endpoints[fault.dependency]?.check.healthy]).toEqual(["degraded", false]);
    expect(reason).toMatch(fault.reason);
    expect(await text(agent, "/metrics")).toContain(
      `mastodon_agent_connection_up{dependency="${fault.dependency}"} 0\n`,
    );
    await fault.mend();
    await agent.converged();
  }
}, 120_000);

test("a mail server that refuses the login is a problem too", async () => {
  await using smtp = await startSmtp({ password: "another" });
  await using agent = await startAgent({
    ...site("mail"),
    environment: { ...environment("mail"), MAILHOST: smtp.host, MAILPORT: String(smtp.port) },
    config: { ...site("mail").config, dependencies: { s3: { service: "" } }, probe: { interval: "1s" } },
  });
  const problem = await until(
    "the login to be refused three times",
    async () => (await agent.status()).problems.find(({ about }) => about === "smtp"),
    60_000,
  );
  expect(problem).toMatchObject({ code: "connection_failing" });
  expect(problem.message).toMatch(/refuses the user, the password or the method/);
  expect(smtp.mails()).toEqual([]);
}, 90_000);

test("a wrong password that is only pending does not make the connection in use look broken", async () => {
  await using agent = await startAgent(site("pending"));
  await agent.converged();
  await consul.put("pending/settings/DBPASS", "mistyped");
  await until("it to be refused", async () =>
    (await agent.status()).problems.some(({ code }) => code === "probe_failed"),
  );
  const { endpoints } = await until("the connection in use to be looked at", async () => {
    const status = await agent.status();
    return status.endpoints["postgres"]?.check.healthy === true && status;
  });
  expect(endpoints["postgres"]?.check).toMatchObject({ healthy: true, reason: "" });
});

test("a mistyped password does not replace a running site's connection when the agent first starts there", async () => {
  const { host, port, password, database } = postgres;
  const live = [
    ["DB_HOST", host],
    ["DB_PORT", String(port)],
    ["DB_USER", "site"],
    ["DB_PASS", `'${password}'`],
    ["DB_NAME", database],
  ];
  const put = async (folder: string) => {
    const file = join(folder, ".env.production");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, live.map(([name, value]) => `${name}=${value}\n`).join(""));
  };
  const environmentNow = { ...environment("first"), DBPASS: "mistyped" };
  await using agent = await startAgent({ ...site("first"), environment: environmentNow, prepare: put });
  const problem = await until("it to be refused", async () =>
    (await agent.status()).problems.find(({ code }) => code === "probe_failed"),
  );
  expect(problem).toMatchObject({ about: "postgres" });
  const variables = await until("the rest to be applied", async () => {
    const now = await agent.variables();
    return now["SMTP_SERVER"] !== undefined && now;
  });
  expect(variables["DB_PASS"]).toBe(password);
  expect((await agent.status()).endpoints["postgres"]?.source).toContain(".env.production");
});

test("without a live file there is nothing better to keep, so the first values are used", async () => {
  const wrong = { ...environment("new"), DBPASS: "mistyped" };
  await using agent = await startAgent({ ...site("new"), environment: wrong });
  const variables = await until("the first apply", () => agent.variables().catch(() => undefined));
  expect(variables["DB_PASS"]).toBe("mistyped");
  await until("it to be said", async () =>
    (await agent.status()).problems.some(({ code }) => code === "connection_failing"),
  );
});

test.each(["(a password)", " (a password)"])(
  "the placeholder %j of the examples is refused by name",
  async (text) => {
    await using agent = await startAgent({
      ...site("placeholder"),
      environment: { ...environment("placeholder"), DBPASS: text },
    });
    const { code } = await agent.exited();
    expect(code).toBe(78);
    expect(agent.output()).toMatch(/DBPASS: it is still the placeholder \(a password\)/);
  },
);

function site(name: string) {
  return {
    consul,
    environment: environment(name),
    config: {
      watch: { prefix: name },
      dependencies: { smtp: { probe: false } },
      probe: { interval: "1s" },
    },
  };
}

function environment(name: string) {
  return {
    ...HOSTS,
    DOMAIN: `${name}.example.org`,
    DBHOST: postgres.host,
    DBPORT: String(postgres.port),
    DBUSER: "site",
    DBPASS: postgres.password,
    DBNAME: postgres.database,
    REDISHOST: redis.host,
    REDISPORT: String(redis.port),
    BUCKETHOST: s3.host,
    BUCKETPORT: String(s3.port),
    BUCKETSCHEME: s3.scheme,
    BUCKETNAME: s3.bucket,
    BUCKETUSER: s3.accessKey,
    BUCKETPASS: s3.secretKey,
  };
}

async function text(agent: TestAgent, path: string): Promise<string> {
  return (await fetch(`${agent.url}${path}`)).text();
}
