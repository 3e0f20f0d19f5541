import { readFile } from "node:fs/promises";
import { request } from "node:https";
import path from "node:path";
import { expect, test } from "vitest";
import { JAIL } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { startPebble } from "../world/pebble.ts";
import { startPostgres } from "../world/postgres.ts";
import { startRedis } from "../world/redis.ts";
import { startS3 } from "../world/s3.ts";
import { startSmtp } from "../world/smtp.ts";
import { startSyslog } from "../world/syslog.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { type Jail, makeJail } from "./fixtures/jail.ts";

const { DOMAIN, BUCKETALIAS, NODENAME } = JAIL;
const TWO_MINUTES_MS = 120_000;

test("a bare jail serves within two minutes, serves again once rebuilt, and then follows Consul", {
  timeout: 4 * TWO_MINUTES_MS,
}, async () => {
  await using consul = await startConsul({ gossipKey: JAIL.GOSSIPKEY });
  await using postgres = await startPostgres();
  await using redis = await startRedis({ password: "redis-secret-1" });
  await using s3 = await startS3();
  await using pebble = await startPebble();
  await using folder = await temporaryFolder("authority");
  const certificates = await makeCertificates(folder.path, pebble.challenge.host);
  await using smtp = await startSmtp({ host: pebble.challenge.host, certificates });
  await using syslog = await startSyslog();
  await using jail = await makeJail({ pebble, syslogPort: syslog.port, ca: certificates.ca });
  const parameters = {
    ...JAIL,
    IP: jail.host,
    CONSULSERVERS: consul.join,
    MAILHOST: smtp.host,
    MAILPORT: String(smtp.port),
    DBHOST: postgres.host,
    DBPORT: String(postgres.port),
    DBPASS: postgres.password,
    REDISHOST: redis.host,
    REDISPORT: String(redis.port),
    REDISPASS: "redis-secret-1",
    BUCKETHOST: s3.host,
    BUCKETPORT: String(s3.port),
    BUCKETSCHEME: s3.scheme,
    BUCKETNAME: s3.bucket,
    BUCKETUSER: s3.accessKey,
    BUCKETPASS: s3.secretKey,
    REMOTELOG: syslog.host,
  };

  await jail.potStart(parameters);
  const root = await pebble.root();
  await expectServing(jail, root);
  expect((await jail.rails.runs()).map(({ task }) => task)).toEqual(["db:migrate:setup"]);
  await expectPassing(consul);
  await until("lines of nginx and of the agent at REMOTELOG", async () => {
    const programs = new Set((await syslog.received()).map(({ program }) => program));
    return programs.has("nginx") && programs.has("mastodon-agent");
  });
  const checked = await jail.agent("check", "--probe");
  expect(checked.output).not.toMatch(/^ *(FAIL|warn)/m);
  expect(checked.code, checked.output).toBe(0);
  const before = await secretsOf(jail);
  const orders = pebble.count("orders in the db");
  expect(await jail.log()).not.toContain("change not applied");

  await jail.potDestroy();
  await jail.potStart(parameters);
  await expectServing(jail, root);
  await expectPassing(consul);
  expect(await secretsOf(jail)).toEqual(before);
  expect(pebble.count("orders in the db"), "nothing was ordered anew").toBe(orders);
  expect(await jail.rails.runs(), "nor was the database prepared").toEqual([]);
  expect(await jail.log()).not.toContain("change not applied");

  await consul.put("mastodon/settings/MAILFROM", "hello@example.org");
  await until("web to have it", async () => {
    const { SMTP_FROM_ADDRESS } = await jail.mastodon.webEnv();
    return SMTP_FROM_ADDRESS === "hello@example.org";
  });
  await until(
    "sidekiq to have it",
    async () => {
      const { SMTP_FROM_ADDRESS } = await jail.mastodon.sidekiqEnv();
      return SMTP_FROM_ADDRESS === "hello@example.org";
    },
    60_000,
  );
  await converged(jail);
});

async function expectServing(jail: Jail, root: string): Promise<void> {
  await until(
    "the site by https",
    async () => {
      try {
        return (await get(jail, DOMAIN, "/health", root)) === "OK";
      } catch (error) {
        throw new Error(`${error}; the agent says:\n${(await jail.log()).slice(-3000)}`);
      }
    },
    TWO_MINUTES_MS,
  );
  await converged(jail);
  expect(await get(jail, DOMAIN, "/api/v1/streaming/health", root)).toBe("OK");
  expect(await get(jail, BUCKETALIAS, "/nothing", root)).toContain("NoSuchKey");
}

/** With a verified certificate for that name, as by a client that was led to the jail. */
function get({ host, httpsPort }: Jail, name: string, where: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port: httpsPort,
      path: where,
      servername: name,
      headers: { host: name },
      ca,
      agent: false,
    };
    const outgoing = request(options, async (incoming) => {
      resolve((await incoming.setEncoding("utf8").toArray()).join(""));
    });
    outgoing.once("error", reject).end();
  });
}

async function converged(jail: Jail): Promise<void> {
  await until(
    "the agent to say that it has converged",
    async () => {
      const { output } = await jail.agent("status");
      if (!output.includes("converged")) throw new Error(output);
      return true;
    },
    60_000,
  );
}

/** All that the node has registered, but for what the agent does not start. */
async function expectPassing(consul: ConsulServer): Promise<void> {
  await until(
    "the services to pass in Consul",
    async () => {
      const checks = await consul.request("GET", `/v1/health/node/${NODENAME}`);
      if (!Array.isArray(checks)) return false;
      const ours = checks.filter(({ ServiceName }) => ServiceName !== "node-exporter");
      const names = new Set(ours.map(({ ServiceName }) => ServiceName));
      expect([...names].sort()).toEqual([
        "",
        "mastodon",
        "mastodon-agent",
        "mastodon-sidekiq",
        "mastodon-streaming",
        "mastodon-web",
      ]);
      expect(ours.filter(({ Status }) => Status !== "passing")).toEqual([]);
      return true;
    },
    60_000,
  );
}

/** What must outlive a jail: Mastodon's keys, and the certificate that nginx has. */
async function secretsOf({ storage, mastodon }: Jail): Promise<unknown> {
  const keys = ["secret.key", "otp.key", "vapid.keys", "activerecord.keys"];
  const { SECRET_KEY_BASE, OTP_SECRET, VAPID_PRIVATE_KEY } = await mastodon.webEnv();
  const etc = path.join(mastodon.folder, "..", "..", "etc");
  const configured = await readFile(path.join(etc, "nginx", "nginx.conf"), "utf8");
  return {
    files: await Promise.all(
      keys.map((name) => readFile(path.join(storage, "mastodon", "private", name), "utf8")),
    ),
    inWeb: [SECRET_KEY_BASE, OTP_SECRET, VAPID_PRIVATE_KEY],
    certificates: configured.match(/ssl_certificate .*/g),
  };
}
