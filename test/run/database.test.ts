import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { holdLock } from "../world/hold-lock.ts";
import { type PostgresServer, startPostgres } from "../world/postgres.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { watchArgv } from "../world/spy.ts";
import { until } from "../world/until.ts";
import { type DatabaseNode, type DatabaseNodeOptions, startNode } from "./fixtures/database-node.ts";

const DOMAIN = "social.example.org";
const SLOW = { timeout: 120_000 };

test(
  "an empty database is prepared before web starts, a second boot asks nothing, an upgrade goes in three steps",
  SLOW,
  async () => {
    await using world = await openWorld({ password: "db-secret-9876" });
    const { postgres, node, consul } = world;
    await using argv = watchArgv();
    await using jail = await node();
    await jail.agent.converged();
    expect(await jail.tasks()).toEqual(["db:migrate:setup"]);
    expect(await postgres.query("select name from seeds")).toBe("instance actor");
    expect(await jail.rails.runs()).toMatchObject([{ webBoots: 0 }]);
    expect(await consul.get(`mastodon-agent/${DOMAIN}/database/state`)).toMatch(/^prepared by jail1, 2/);
    const { migration } = await jail.agent.status();
    expect(migration).toMatchObject({ state: "ready", pending: { before: 0, after: 0 }, output: null });

    await jail.mastodon.stop();
    await jail.agent.stop();
    await postgres.stop();
    await jail.agent.start();
    await until(
      "web to boot although the database is away",
      async () => (await jail.mastodon.boots("web")) === 2,
    );
    await jail.agent.converged();
    await postgres.start();
    expect(await jail.tasks()).toEqual(["db:migrate:setup"]);

    await jail.rails.add("migrate", "20260101000000", 'sql "alter table notes add column at date"');
    await jail.rails.add("post_migrate", "20260102000000", 'sql "drop table later"');
    await jail.agent.stop();
    await jail.agent.start();
    expect(await jail.problem("migrations_pending")).toContain("needs 1 migrations that the database lacks");
    const said = await cli(jail.agent, ["status"]);
    expect(said.output).toMatch(/database +waiting since/);
    const found = await cli(jail.agent, ["check", "--probe"]);
    expect(found.output).toContain("1 migrations are missing for the code on disk, and 1 for later");
    expect(await jail.tasks()).toEqual(["db:migrate:setup"]);
    await jail.reload();
    await until("all three steps", async () => (await jail.tasks()).length === 3);
    await settled(jail);
    expect(await jail.tasks()).toEqual(["db:migrate:setup", "db:migrate-", "db:migrate"]);
    expect((await jail.rails.runs()).map(({ webBoots }) => webBoots)).toEqual([0, 2, 3]);
    expect(await postgres.query("select to_regclass('later') is null")).toBe("t");
    expect((await jail.agent.status()).problems).toEqual([]);
    expect([...argv.seen].join("\n"), "argv").not.toContain("db-secret-9876");
    expect(jail.agent.output(), "log").not.toContain("db-secret-9876");
  },
);

test("a node that waits for its turn to migrate says who has it, and by which lock", SLOW, async () => {
  await using world = await openWorld();
  const { consul } = world;
  const key = `mastodon-agent/${DOMAIN}/database/lock`;
  const session = await holdLock(consul, key, "jail9");
  await using jail = await world.node();
  const reason = await until("the turn to be waited for", async () => {
    const { migration } = await jail.agent.status();
    return migration?.reason.includes("jail9") && migration.reason;
  });
  expect(reason).toBe(`waiting for this node's turn to migrate the database; jail9 has it (${key})`);
  expect((await cli(jail.agent, ["status"])).output).toMatch(
    /^next change +first apply; it is waiting until Mastodon's database has what the code needs$/m,
  );
  await consul.request("PUT", `/v1/kv/${key}?release=${session}`, "jail9");
  await jail.agent.converged();
});

test(
  "of two nodes one prepares and migrates while the other waits; the last step waits until both run the new code",
  SLOW,
  async () => {
    await using world = await openWorld();
    const { postgres } = world;
    const prepare: DatabaseNodeOptions["prepare"] = (rails) =>
      rails.add("migrate", "20160103000000", 'sql "select pg_sleep(2)"');
    await using one = await world.node({ name: "jail1", prepare });
    const keys = path.join(one.agent.folder, "keys");
    await until("the first node's keys", async () => (await readdir(keys)).length >= 4);
    await using two = await world.node({ name: "jail2", prepare, keys });
    await Promise.all([one.agent.converged(), two.agent.converged()]);
    expect([...(await one.tasks()), ...(await two.tasks())]).toEqual(["db:migrate:setup"]);

    for (const { rails } of [one, two]) {
      await rails.add("migrate", "20260101000000", 'sql "alter table notes add column at date"');
    }
    await one.rails.add("post_migrate", "20260102000000", 'sql "drop table later"');
    await world.consul.put("mastodon/nodes/jail1/control/reload", "1");
    expect(await one.problem("migrations_pending")).toContain("jail2 runs other code");
    expect(await one.tasks()).toContain("db:migrate-");
    expect(await one.tasks()).not.toContain("db:migrate");
    expect((await one.agent.status()).migration).toMatchObject({
      state: "ready",
      pending: { before: 0, after: 1 },
    });

    await two.rails.add("post_migrate", "20260102000000", 'sql "drop table later"');
    await world.consul.put("mastodon/nodes/jail2/control/reload", "1");
    await until(
      "the last step",
      () => postgres.query("select to_regclass('later') is null").then((text) => text === "t"),
      60_000,
    );
    await Promise.all([settled(one), settled(two)]);
    const all = [...(await one.tasks()), ...(await two.tasks())];
    expect(all.toSorted()).toEqual(["db:migrate", "db:migrate-", "db:migrate:setup"]);
  },
);

test(
  "a database that does not answer, or has somebody else's tables, does not count as empty",
  SLOW,
  async () => {
    await using world = await openWorld();
    const { postgres } = world;
    await postgres.query("create table others (text text)");
    await postgres.stop();
    await using jail = await world.node();
    expect(await jail.problem("database_not_prepared")).toContain("nothing is run");
    expect(await jail.agent.status()).toMatchObject({ state: "waiting", migration: { state: "waiting" } });
    await postgres.start();
    await until("the other complaint", async () =>
      (await jail.problem("database_not_prepared")).includes("not Mastodon's list of migrations"),
    );
    expect(await jail.mastodon.boots("web")).toBe(0);
    expect(await jail.tasks()).toEqual([]);
    await postgres.query("drop table others");
    await jail.agent.converged();
    expect(await jail.tasks()).toEqual(["db:migrate:setup"]);

    await postgres.query("drop table notes, later, seeds, schema_migrations");
    await jail.rails.add("migrate", "20260101000000", "");
    await jail.reload();
    await until("the refusal", async () =>
      (await jail.problem("database_not_prepared")).includes("it is empty, although the site had one"),
    );
    expect(await jail.tasks()).toEqual(["db:migrate:setup"]);
    expect(await jail.mastodon.boots("web")).toBe(1);
  },
);

test(
  "a failing migration leaves the running site alone, says why without secrets, and is retried when asked",
  SLOW,
  async () => {
    await using world = await openWorld({ password: "db-secret-4321" });
    await using jail = await world.node();
    await jail.agent.converged();
    const bytes = await readFile(jail.mastodon.envFile, "utf8");
    await jail.rails.add("migrate", "20260101000000", "raise \"no way with #{ENV['DB_PASS']}\"");
    await jail.reload();
    const message = await jail.problem("database_not_prepared");
    expect(message).toMatch(
      /database step before \(env SKIP_POST_DEPLOYMENT_MIGRATIONS=true bin\/rails db:migrate\)/,
    );
    expect(message).toContain("no way with [redacted]");
    expect(message).toContain("consul kv put mastodon/nodes/jail1/control/reload");
    const { state, migration } = await jail.agent.status();
    expect({ state, migration }).toMatchObject({ state: "failed", migration: { state: "failed" } });
    expect(await jail.mastodon.boots("web")).toBe(1);
    expect(await readFile(jail.mastodon.envFile, "utf8")).toBe(bytes);
    expect(await jail.tasks()).toEqual(["db:migrate:setup", "db:migrate-"]);
    expect(jail.agent.output()).not.toContain("db-secret-4321");

    await jail.rails.add("migrate", "20260101000000", 'sql "alter table notes add column at date"');
    await jail.reload();
    await until("the reload", async () => (await jail.mastodon.boots("web")) === 2);
    await settled(jail);
    expect(await jail.tasks()).toEqual(["db:migrate:setup", "db:migrate-", "db:migrate-"]);
  },
);

test(
  "a preparation goes on when the agent is killed, and one that was cut off is finished completely",
  SLOW,
  async () => {
    await using world = await openWorld();
    const { postgres } = world;
    await using jail = await world.node({
      prepare: (rails) => rails.add("migrate", "20160103000000", 'sleep 0.05 until File.exist?("go")'),
    });
    const first = await until("it to be prepared", async () => (await jail.rails.runs())[0]);
    await until("the lock", async () => (await postgres.query(ADVISORY)) === "1");
    jail.agent.signal("SIGKILL");
    await jail.agent.exited();
    await jail.agent.start();
    await until(
      "the agent to see that somebody migrates",
      async () => {
        const { migration } = await jail.agent.status();
        return migration?.reason.includes("somebody is migrating it");
      },
      40_000,
    );
    expect(await jail.tasks()).toEqual(["db:migrate:setup"]);
    process.kill(first.pid, "SIGKILL");
    await writeFile(path.join(jail.mastodon.folder, "go"), "");
    // The lock of an agent that was killed is free when its session has expired.
    await settled(jail);
    expect(await jail.tasks()).toEqual(["db:migrate:setup", "db:migrate:setup", "db:seed"]);
    expect(await postgres.query("select name from seeds")).toBe("instance actor");
  },
);

test("a failover does not wait for migrations", SLOW, async () => {
  await using world = await openWorld();
  await using standby = await startPostgres({ password: world.postgres.password });
  const { consul, postgres } = world;
  const instance = (id: string, { host, port }: PostgresServer) => ({
    id,
    service: "postgresql",
    address: host,
    port,
  });
  await consul.register({ ...instance("pg1", postgres), status: "passing" });
  await using jail = await world.node();
  await jail.agent.converged();
  await standby.query("create table schema_migrations (version varchar)");
  await standby.query("insert into schema_migrations values ('20160101000000'), ('20160102000000')");

  await jail.rails.add("migrate", "20260101000000", 'sleep 0.05 until File.exist?("go")');
  await jail.reload();
  await until("the migration", async () => (await jail.tasks()).length === 2);
  await consul.register({ ...instance("pg2", standby), status: "passing" });
  await consul.register({ ...instance("pg1", postgres), status: "critical" });
  await postgres.stop();
  await until(
    "web at the standby",
    async () => (await jail.mastodon.webEnv())["DB_PORT"] === String(standby.port),
  );
  expect(await jail.tasks(), "no other was run").toEqual(["db:migrate:setup", "db:migrate-"]);
  const boots = await jail.mastodon.boots("web");

  await writeFile(path.join(jail.mastodon.folder, "go"), "");
  await settled(jail);
  expect(await jail.tasks()).toEqual(["db:migrate:setup", "db:migrate-", "db:migrate-"]);
  expect(await standby.query("select count(*) from schema_migrations")).toBe("3");
  await until("web to read the database anew", async () => (await jail.mastodon.boots("web")) === boots + 1);
});

const ADVISORY = "select count(*) from pg_locks where locktype = 'advisory'";

interface World extends AsyncDisposable {
  readonly consul: ConsulServer;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  node(options?: Partial<DatabaseNodeOptions>): Promise<DatabaseNode>;
}

async function openWorld({ password = "db-secret-1" } = {}): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const consul = starting.use(await startConsul());
  const redis = starting.use(await startRedis());
  const postgres = starting.use(await startPostgres({ password }));
  const release = starting.move();
  return {
    consul,
    postgres,
    redis,
    node: (options) => startNode({ consul, postgres, redis, ...options }),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Nothing is under way, and nothing is left to do for the database. */
async function settled({ agent }: DatabaseNode): Promise<void> {
  await until(
    "nothing to be left to do",
    async () => {
      const { state, migration, problems } = await agent.status();
      const isOver = migration?.state === "ready" && migration.pending?.after === 0;
      return state === "converged" && isOver && problems.length === 0;
    },
    60_000,
  );
}
