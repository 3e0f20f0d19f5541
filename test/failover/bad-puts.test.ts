import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { unitsOf } from "../world/demo/config.ts";
import type { Mastodon } from "../world/mastodon.ts";
import { freePort } from "../world/ports.ts";
import { startPostgres } from "../world/postgres.ts";
import { startRedis } from "../world/redis.ts";
import { startS3 } from "../world/s3.ts";
import { startSmtp } from "../world/smtp.ts";
import { until } from "../world/until.ts";
import { badPuts } from "./bad-puts.ts";
import { prepareNginxFront } from "./nginx-front.ts";
import { type Boots, type Parts, type Site, startSite } from "./site.ts";
import { startVisitor, type Visitor } from "./visitor.ts";

const SECRETS = ["not-the-password", "not-the-secret"];
/** Asks the SMTP server of the candidate values, as Mastodon would find it. */
const GATE = {
  run: [
    "ruby",
    "-rnet/smtp",
    "-e",
    "Net::SMTP.start(ENV.fetch('SMTP_SERVER'), Integer(ENV.fetch('SMTP_PORT'))) {}",
  ],
  timeout: "5s",
};

const parts = new AsyncDisposableStack();
const [postgres, redis, s3, smtp, closedPort] = await Promise.all([
  startPostgres(),
  startRedis({ password: "it's a secret" }),
  startS3(),
  startSmtp(),
  freePort(),
]);
for (const server of [postgres, redis, s3, smtp]) parts.use(server);
const table = badPuts({ closedPort, postgresPort: postgres.port, redisPort: redis.port, s3Port: s3.port });

let consul: ConsulServer;
let site: Site;
let frontUrl: string;
let visitor: Visitor;
let before: { readonly bytes: string; readonly boots: Boots };
/** While puma is on its way back from what it cannot boot with, nobody can answer. */
const outages: { fromMs: number; untilMs: number }[] = [];

beforeAll(async () => {
  consul = parts.use(await startConsul());
  site = parts.use(await startSite({ consul, environment: environment(), config: configure }));
  visitor = parts.use(startVisitor(`${frontUrl}/health`));
  before = { bytes: await site.bytes(), boots: await site.boots() };
}, 120_000);
afterAll(() => parts.disposeAsync());

test("the table has at least fifty rows", () => {
  expect(table.length).toBeGreaterThanOrEqual(50);
});

test.each(table)("the site answers and says what is wrong after $title", async (put) => {
  const fromMs = performance.now();
  await consul.put(`mastodon/${put.key}`, put.value);
  await until(
    `a problem ${put.code} like ${put.message}`,
    async () => {
      const { problems } = await site.agent.status();
      if (problems.some(({ code, message }) => code === put.code && put.message.test(message))) return true;
      throw new Error(JSON.stringify(problems));
    },
    40_000,
  );
  if (put.code === "change_put_back") outages.push({ fromMs, untilMs: performance.now() });
  await answers();
  expect(await site.bytes()).toBe(before.bytes);
  await consul.delete(`mastodon/${put.key}`);
  await until("the problem to go", async () => (await site.agent.status()).problems.length === 0);
  expect((await site.agent.converged()).problems).toEqual([]);
});

test("in the end everything is as before, no visitor was turned away and no secret was shown", async () => {
  await until("another answer", () => visitor.visits().at(-1)?.kind === "answered");
  const failed = visitor
    .visits()
    .filter(({ kind }) => kind !== "answered")
    .filter((visit) => !outages.some((one) => visit.endedMs >= one.fromMs && visit.beganMs <= one.untilMs));
  expect(failed).toEqual([]);
  expect(await site.bytes()).toBe(before.bytes);
  const { sidekiq, streaming } = await site.boots();
  expect({ sidekiq, streaming }, "only web was ever touched").toEqual({
    sidekiq: before.boots.sidekiq,
    streaming: before.boots.streaming,
  });
  expect(SECRETS.filter((secret) => site.agent.output().includes(secret))).toEqual([]);
});

async function answers(): Promise<void> {
  await until("web to answer", async () => (await fetch(site.mastodon.healthUrls.web)).ok);
  expect(await site.mastodon.ask("/db")).toMatchObject({ port: String(postgres.port) });
  expect(await site.mastodon.ask("/redis")).toMatchObject({ port: String(redis.port) });
}

async function configure(mastodon: Mastodon, ending: Parts): Promise<Record<string, unknown>> {
  const { folder, envFile } = mastodon;
  await mkdir(join(folder, "rc.conf.d"));
  const nginx = await prepareNginxFront(mastodon);
  ending.defer(nginx.stop);
  frontUrl = nginx.url;
  const services = { postgres: { service: "" }, redis: { service: "" }, s3: { service: "" } };
  return {
    dependencies: services,
    gate: GATE,
    files: {
      env: { template: "env.production.hbs", path: envFile, mode: "0640" },
      rc_web: { template: "rc.web.hbs", path: join(folder, "rc.conf.d", "mastodon_web") },
      nginx: nginx.file,
    },
    units: { ...unitsOf(mastodon, { timeout: "5s" }), nginx: nginx.unit },
    values: { nginx: nginx.values },
  };
}

function environment(): Record<string, string> {
  return {
    DBHOST: postgres.host,
    DBPORT: String(postgres.port),
    DBUSER: postgres.user,
    DBPASS: postgres.password,
    DBNAME: postgres.database,
    REDISHOST: redis.host,
    REDISPORT: String(redis.port),
    REDISPASS: redis.password ?? "",
    BUCKETHOST: s3.host,
    BUCKETPORT: String(s3.port),
    BUCKETSCHEME: s3.scheme,
    BUCKETUSER: s3.accessKey,
    BUCKETPASS: s3.secretKey,
    MAILHOST: smtp.host,
    MAILPORT: String(smtp.port),
  };
}
