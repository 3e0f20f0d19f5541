/** Postgres as Mastodon's own libraries reach it with what was put through KV. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "dotenv";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startPostgres } from "../world/postgres.ts";
import { checkout, program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { until } from "../world/until.ts";
import { puttingTogether } from "./put-together.ts";

const world = new AsyncDisposableStack();
const consul = world.use(await startConsul());
const database = world.use(await startPostgres({ password: "db-secret-1", hasSocket: true }));
const agent = world.use(
  await startAgent({
    consul,
    environment: { ...HOSTS, DBHOST: database.host, DBPORT: String(database.port) },
    config: { dependencies: { ...UNPROBED, postgres: { probe: true } } },
  }),
);
await agent.converged();
const put = puttingTogether(consul, agent);
afterAll(() => world.disposeAsync());

test.each([
  ["a socket's directory", database.socketDirectory],
  ["a socket's directory with a slash at its end", `${database.socketDirectory}/`],
  ["an IPv6 address", "0:0:0:0:0:ffff:127.0.0.1"],
])("%s as DBHOST: probed, rendered, and reached by Rails and streaming", async (_, host) => {
  await put({ DBHOST: host });
  const expected = host.replace(/\/$/, "");
  await until("the host in the file", async () => (await agent.variables())["DB_HOST"] === expected);
  const { endpoints } = await agent.converged();
  expect(endpoints["postgres"]).toMatchObject({ host: expected, port: database.port });
  expect(await reachedByRails()).toBe(database.database);
  expect(await reachedByStreaming()).toBe(database.database);
});

test("a socket offers no TLS: a DB_SSLMODE with which streaming asks for it is refused", async () => {
  await put({ DBHOST: database.socketDirectory });
  await until("the socket", async () => (await agent.variables())["DB_HOST"] === database.socketDirectory);
  await put({ DBHOST: database.socketDirectory, DB_SSLMODE: "prefer" });
  const problem = await until("the refusal", async () => {
    const { problems } = await agent.status();
    return problems.find(({ message }) => message.includes("could not work with it"));
  });
  expect(problem.message).toMatch(
    /streaming \(node-postgres\) could not work with it, web and sidekiq.*DB_SSLMODE or put disable/,
  );
  expect(await agent.variables()).not.toHaveProperty("DB_SSLMODE");
  await put({ DBHOST: database.socketDirectory, DB_SSLMODE: "disable" });
  await until("what suits both", async () => (await agent.variables())["DB_SSLMODE"] === "disable");
  expect(await reachedByRails()).toBe(database.database);
  expect(await reachedByStreaming()).toBe(database.database);
});

test("a directory without a socket is not moved to, and the problem says what is missing", async () => {
  await put({ DBHOST: agent.folder });
  const problem = await until("the problem", async () => {
    const { problems } = await agent.status();
    return problems.find(({ message }) => message.includes("has no socket there"));
  });
  expect(problem.message).toContain(agent.folder);
  expect((await agent.variables())["DB_HOST"]).not.toBe(agent.folder);
});

test("a path in the catalogue is refused: only the operator says that", async () => {
  await put({});
  await until("the address", async () => (await agent.variables())["DB_HOST"] === database.host);
  const instance = {
    id: "pg",
    service: "postgresql",
    address: database.host,
    port: database.port,
    status: "passing",
  } as const;
  await consul.register({ ...instance, meta: { host: database.socketDirectory } });
  const problem = await until("the refusal", async () => {
    const { problems } = await agent.status();
    return problems.find(({ code }) => code === "input_refused");
  });
  expect(problem.message).toMatch(/service pg .*its host is a path/);
  expect((await agent.variables())["DB_HOST"]).toBe(database.host);
});

test("no-verify is refused: libpq does not know it", async () => {
  await put({ DB_SSLMODE: "no-verify" });
  const problem = await until("the refusal", async () => {
    const { problems } = await agent.status();
    return problems.find(({ message }) => message.includes("DB_SSLMODE"));
  });
  expect(problem.message).toMatch(/no-verify.*libpq/);
});

async function reachedByRails(): Promise<string> {
  return run(program("ruby"), [
    join(checkout(), "test", "run", "fixtures", "read-postgres.rb"),
    agent.envFile,
  ]);
}

/** As Mastodon's `streaming/database.js` connects. */
async function reachedByStreaming(): Promise<string | undefined> {
  const env = parse(await readFile(agent.envFile, "utf8"));
  const {
    DB_HOST: host,
    DB_PORT: port,
    DB_USER: user,
    DB_PASS: password,
    DB_NAME: name,
    DB_SSLMODE: sslmode,
  } = env;
  const client = new pg.Client({
    ...{ host, user, password, database: name, port: Number(port) },
    ssl: sslmode === undefined || sslmode === "disable" ? false : {},
  });
  await client.connect();
  const { rows } = await client.query<{ name: string }>("select current_database() as name");
  await client.end();
  return rows[0]?.name;
}
