/** Twelve ways in which a night goes wrong, and what the agent says of each: docs/operating.md has the same table. */
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mayMount, type SmallDisk, smallDisk } from "../faults/fixtures/small-disk.ts";
import { startAgent, type TestAgent } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { type PostgresServer, startPostgres } from "../world/postgres.ts";
import { checkout, program } from "../world/programs.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { type S3Server, startS3 } from "../world/s3.ts";
import { type SmtpTestServer, startSmtp } from "../world/smtp.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

interface World {
  readonly consul: ConsulServer;
  readonly postgres: PostgresServer;
  /** Two masters, the first one in use. */
  readonly redis: readonly [RedisServer, RedisServer];
  readonly s3: S3Server;
  /** With a tmpfs each for `.env.production` and for the state, where something can be mounted. */
  readonly disks: { readonly mastodon: SmallDisk; readonly state: SmallDisk } | undefined;
  readonly agent: TestAgent;
}

interface Way {
  /** The row's name in the table. */
  readonly what: string;
  readonly break: (world: World) => Promise<unknown>;
  readonly mend: (world: World) => Promise<unknown>;
  readonly state: string;
  readonly code: string;
  /** What the doctor says in one of its lines. */
  readonly check: RegExp;
}

const WAYS: readonly Way[] = [
  {
    what: "Redis is dead",
    break: ({ redis: [first] }) => first.stop(),
    mend: ({ redis: [first] }) => first.start(),
    state: "degraded",
    code: "connection_failing",
    check: /FAIL +redis .*refuses connections/,
  },
  {
    what: "Postgres is read-only",
    break: ({ postgres }) => postgres.query("alter role site set default_transaction_read_only = on"),
    mend: ({ postgres }) => postgres.query("alter role site reset default_transaction_read_only"),
    state: "degraded",
    code: "connection_failing",
    check: /FAIL +postgres .*read-only/,
  },
  {
    what: "a password was rotated on the server alone",
    break: ({ postgres }) => postgres.query("alter role site password 'another'"),
    mend: ({ postgres }) => postgres.query(`alter role site password '${postgres.password}'`),
    state: "degraded",
    code: "connection_failing",
    check: /FAIL +postgres .*refuses the password/,
  },
  {
    what: "S3 is down",
    break: ({ s3 }) => s3.stop(),
    mend: ({ s3 }) => s3.start(),
    state: "degraded",
    code: "connection_failing",
    check: /FAIL +s3 .*refuses connections/,
  },
  {
    what: "Consul is down",
    break: ({ consul }) => consul.stop(),
    mend: ({ consul }) => consul.start(),
    state: "disconnected",
    code: "consul_unreachable",
    check: /(FAIL|warn) +.*[Cc]onsul/,
  },
  {
    what: "the state's disk is full",
    break: async ({ consul, disks }) => {
      await disks?.state.fill();
      await consul.put("mastodon/env/SINGLE_USER_MODE", "true");
    },
    mend: async ({ consul, disks }) => {
      await disks?.state.makeRoom();
      await consul.delete("mastodon/env/SINGLE_USER_MODE");
    },
    state: "failed",
    code: "state_not_written",
    check: /FAIL +.*(no room|full|ENOSPC|no space)/i,
  },
  {
    what: "Mastodon's folder is full",
    break: async ({ consul, disks }) => {
      await disks?.mastodon.fill();
      await consul.put("mastodon/env/SINGLE_USER_MODE", "true");
    },
    mend: async ({ consul, disks }) => {
      await disks?.mastodon.makeRoom();
      await consul.delete("mastodon/env/SINGLE_USER_MODE");
    },
    state: "failed",
    code: "change_refused",
    check: /FAIL +.*(no room|full|ENOSPC|no space)/i,
  },
  {
    what: "nginx refuses its configuration",
    break: async ({ consul, agent }) => {
      await writeFile(path.join(agent.folder, "site.d", "own.conf"), "no such directive;\n");
      await consul.put("mastodon/settings/EMAIL", "night@example.org");
    },
    mend: async ({ consul, agent }) => {
      await rm(path.join(agent.folder, "site.d", "own.conf"));
      await consul.delete("mastodon/settings/EMAIL");
    },
    state: "failed",
    code: "change_refused",
    check: /FAIL +.*nginx/,
  },
  {
    what: "a hold was forgotten while the Redis in use died",
    break: async ({ consul, agent, redis: [first, second] }) => {
      await consul.put("mastodon/control/hold", "the upgrade of Tuesday");
      // KV and the catalogue are watched apart: a check that is seen first is followed, as it should be.
      await until("the hold to be seen", async () => (await agent.status()).state === "held");
      await consul.register({ ...instance("redis-2", second), status: "passing" });
      await first.stop();
      await consul.setCheck(instance("redis-1", first), "critical");
    },
    mend: async ({ consul, redis: [first, second] }) => {
      await first.start();
      await consul.setCheck(instance("redis-1", first), "passing");
      await consul.deregister(instance("redis-2", second));
      await consul.delete("mastodon/control/hold");
    },
    state: "held",
    code: "failover_held",
    check: /(FAIL|warn) +.*hold/i,
  },
  {
    what: "a bad value was put",
    break: ({ consul }) => consul.put("mastodon/settings/MAILPORT", "abc"),
    mend: ({ consul }) => consul.delete("mastodon/settings/MAILPORT"),
    state: "converged",
    code: "input_refused",
    check: /(FAIL|warn) +.*MAILPORT/,
  },
  {
    what: "a certificate has expired",
    break: ({ agent }) => putCertificate(agent, -1),
    mend: async ({ agent }) => {
      await rm(path.join(agent.folder, "ssl", DOMAIN), { recursive: true });
      // It is looked at every half a minute, and at once after a start.
      await agent.stop();
      await agent.start();
    },
    state: "converged",
    code: "certificate_expired",
    check: /(FAIL|warn) +.*expired/,
  },
];

const UNREADABLE = "a key cannot be read";
const DOMAIN = "social.example.org";
const LOOKED_AT_MS = 60_000;
const DISK_BYTES = 4 * 1024 * 1024;

let world: World;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  world = await openWorld(stack);
}, 120_000);
afterAll(() => stack.disposeAsync());

test.each(WAYS.filter(({ what }) => mayMount() || !/full$/.test(what)))(
  "$what: status, page, log and check say so",
  async (way) => {
    const { agent } = world;
    await agent.converged();
    try {
      await way.break(world);
      await saysSo(agent, way);
    } finally {
      await way.mend(world);
    }
    await until(
      "all to be as before",
      async () => {
        const { state, problems } = await agent.status();
        return state === "converged" && problems.length === 0;
      },
      LOOKED_AT_MS,
    );
  },
  180_000,
);

test(`${UNREADABLE}: the start is refused, log and check say so, and status says where to look`, async () => {
  const { agent } = world;
  const key = path.join(agent.folder, "keys", "secret.key");
  await agent.stop();
  await chmod(key, 0o000);
  const doctor = await cli(agent, ["check", "--probe"], { launcher: WITHOUT_PRIVILEGE });
  expect(doctor.output).toMatch(/FAIL +keys: .*secret\.key: .*may not read it/);
  expect(doctor.code).toBe(78);
  const run = await cli(agent, ["run"], { launcher: WITHOUT_PRIVILEGE });
  expect(run.output).toMatch(/secret\.key: .*may not read it.*chmod/s);
  expect(run.code).toBe(78);
  const status = await cli(agent, ["status"]);
  expect(status.code).toBe(69);
  await chmod(key, 0o600);
  await agent.start();
  await agent.converged();
}, 60_000);

test("docs/operating.md has the table of the twelve ways, with the state and the code of each", async () => {
  const page = await readFile(path.join(checkout(), "docs", "operating.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  const rowOf = (what: string) =>
    rows.find((line) => line.startsWith(`| ${what} |`)) ?? `no row for: ${what}`;
  for (const { what, state, code } of WAYS) {
    expect(rowOf(what)).toContain(`\`${state}\``);
    expect(rowOf(what)).toContain(`\`${code}\``);
  }
  expect(rowOf(UNREADABLE)).toContain("78");
  expect(WAYS).toHaveLength(11);
});

async function saysSo(agent: TestAgent, { state, code, check }: Way): Promise<void> {
  const status = await until(
    `${code} in the state ${state}`,
    async () => {
      const now = await agent.status();
      const codes = now.problems.map((problem) => problem.code);
      if (now.state !== state || !codes.includes(code))
        throw new Error(`${now.state}: ${now.reason}; ${codes}`);
      return now;
    },
    LOOKED_AT_MS,
  );
  const problem = status.problems.find((one) => one.code === code);
  expect(problem?.message, "with what to do").toMatch(/[.:] [A-Z`]/);
  const { output } = await cli(agent, ["status"]);
  expect(output).toContain(code);
  expect(await (await fetch(agent.url)).text()).toContain(code);
  const last = problemLines(agent.output()).findLast((line) => line.code === code);
  expect(last?.about).toBe(problem?.about);
  const doctor = await cli(agent, ["check", "--probe"]);
  expect(doctor.output).toMatch(check);
  expect(doctor.code).not.toBe(0);
}

/** Root without the right to pass over the permissions of files. */
const WITHOUT_PRIVILEGE = [
  "setpriv",
  "--bounding-set=-dac_override,-dac_read_search",
  "--inh-caps=-dac_override,-dac_read_search",
];

async function openWorld(opening: AsyncDisposableStack): Promise<World> {
  const [consul, smtp, postgres, first, second, s3] = await Promise.all([
    startConsul(),
    startSmtp(),
    startPostgres(),
    startRedis(),
    startRedis(),
    startS3(),
  ]);
  for (const server of [consul, smtp, postgres, first, second, s3]) opening.use(server);
  const disks = mayMount()
    ? {
        mastodon: opening.use(await smallDisk({ bytes: DISK_BYTES })),
        state: opening.use(await smallDisk({ bytes: DISK_BYTES })),
      }
    : undefined;
  await postgres.query(`create role site login password '${postgres.password}'`);
  await consul.register({ ...instance("redis-1", first), status: "passing" });
  const agent = opening.use(
    await startAgent({
      consul,
      environment: {
        DOMAIN,
        ...mailOf(smtp),
        DBHOST: postgres.host,
        DBPORT: String(postgres.port),
        DBUSER: "site",
        DBPASS: postgres.password,
        DBNAME: postgres.database,
        BUCKETHOST: s3.host,
        BUCKETPORT: String(s3.port),
        BUCKETSCHEME: s3.scheme,
        BUCKETNAME: s3.bucket,
        BUCKETUSER: s3.accessKey,
        BUCKETPASS: s3.secretKey,
      },
      prepare: async (folder) => {
        await mkdir(path.join(folder, "site.d"));
        await writeFile(path.join(folder, "nginx.conf.hbs"), nginxTemplate(folder));
      },
      config: (folder) => configuration(folder, disks),
    }),
  );
  return { consul, postgres, redis: [first, second], s3, disks, agent };
}

function mailOf({ host, port, user, password }: SmtpTestServer) {
  return { MAILHOST: host, MAILPORT: String(port), MAILUSER: user, MAILPASS: password };
}

/** Changes with the name in EHLO, so that its check is run. */
function nginxTemplate(folder: string): string {
  return `# {{EMAIL}} {{#if certificate}}{{certificate}}{{/if}}\nevents {}\nhttp { include ${folder}/site.d/*.conf; }\n`;
}

function configuration(folder: string, disks: World["disks"]) {
  const mastodon = disks?.mastodon.path ?? folder;
  return {
    dependencies: { smtp: { probe: false } },
    probe: { interval: "1s" },
    paths: {
      mastodon,
      keys: path.join(folder, "keys"),
      state: disks?.state.path ?? path.join(folder, "state"),
      certificates: path.join(folder, "ssl"),
    },
    files: {
      env: { template: "env.production.hbs", path: path.join(mastodon, ".env.production"), mode: "0640" },
      nginx: {
        template: path.join(folder, "nginx.conf.hbs"),
        path: path.join(folder, "nginx.conf"),
        check: [program("nginx"), "-t", "-q", "-p", folder, "-e", "stderr", "-c", "{file}"],
      },
    },
  };
}

function instance(id: string, { host, port }: RedisServer) {
  return { id, service: "redis", address: host, port };
}

async function putCertificate(agent: TestAgent, days: number): Promise<void> {
  await using made = await temporaryFolder("certificates");
  const { serverCertificate, serverKey } = await makeCertificates(made.path, "127.0.0.1", DOMAIN, days);
  const folder = path.join(agent.folder, "ssl", DOMAIN);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "fullchain.pem"), await readFile(serverCertificate));
  await writeFile(path.join(folder, "privkey.pem"), await readFile(serverKey), { mode: 0o600 });
}

interface Line {
  readonly msg: string;
  readonly code?: string;
  readonly about?: string;
}

function problemLines(output: string): readonly Line[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): Line => JSON.parse(line))
    .filter(({ msg }) => msg === "problem");
}
