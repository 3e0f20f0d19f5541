import { chown, readFile, writeFile } from "node:fs/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probePostgres } from "../../src/probe/probe.ts";
import type { ProbeResult } from "../../src/probe/result.ts";
import { type Certificates, makeCertificates } from "../world/certificates.ts";
import { freePort } from "../world/ports.ts";
import { type PostgresServer, postgresOwner, startPostgres } from "../world/postgres.ts";
import { startReplica } from "../world/postgres-replica.ts";
import { program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { limits, verdict } from "./limits.ts";

const world = new AsyncDisposableStack();
const primary = world.use(await startPostgres({ password: "db-secret-1" }));
afterAll(() => world.disposeAsync());

const target = { ...primary, password: new Secret(primary.password) };

function probe(differing: Partial<Parameters<typeof probePostgres>[0]> = {}): Promise<ProbeResult> {
  return probePostgres({ ...target, ...differing }, limits());
}

test("a primary that lets the user in is writable, and no connection is left open", async () => {
  expect(await probe()).toEqual({ kind: "writable" });
  const ours = "select count(*) from pg_stat_activity where application_name = 'mastodon-agent'";
  await until("the probe's connection to be gone", async () => (await primary.query(ours)) === "0");
});

test("a wrong password has its own refusal, and the password is not in it", async () => {
  const result = await probe({ password: new Secret("db-secret-2") });
  expect(result).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: 'refuses the password of user "mastodon"',
  });
});

test("a user unknown to Postgres is refused like a wrong password", async () => {
  expect(verdict(await probe({ user: "nobody" }))).toBe("wrong_credentials");
});

test("a user who may not connect to the database is distinguished from a wrong password", async () => {
  await primary.query("create role visitor login password 'db-secret-1'");
  await primary.query(`revoke connect on database ${primary.database} from public`);
  expect(await probe({ user: "visitor" })).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: 'does not let user "visitor" into database "mastodon_production"',
  });
});

test("a missing database is named", async () => {
  expect(await probe({ database: "mastodon_staging" })).toEqual({
    kind: "refused",
    code: "no_such_database",
    reason: 'has no database "mastodon_staging"',
  });
});

test("a user whose transactions are read-only by default cannot be moved to", async () => {
  await primary.query("create role reader login superuser password 'db-secret-1'");
  await primary.query("alter role reader set default_transaction_read_only = on");
  const result = await probe({ user: "reader" });
  expect(result).toMatchObject({ code: "not_writable", reason: expect.stringContaining("read-only") });
});

test("a Postgres without a connection to spare is not ready", async () => {
  await primary.query("create role crowd login password 'db-secret-1' connection limit 0");
  await primary.query(`grant connect on database ${primary.database} to crowd`);
  expect(await probe({ user: "crowd" })).toMatchObject({
    code: "not_ready",
    reason: expect.stringContaining("no connection left"),
  });
});

test("a port where nothing listens is unreachable", async () => {
  expect(await probe({ port: await freePort() })).toEqual({
    kind: "unreachable",
    reason: "refuses connections: nothing listens there",
  });
});

test("a name that does not exist is unreachable", async () => {
  expect(await probe({ host: "postgres.invalid" })).toMatchObject({
    kind: "unreachable",
    reason: expect.stringContaining("cannot be resolved"),
  });
});

test("a standby is refused until it is promoted, and writable from then on", async () => {
  await using replica = await startReplica(primary);
  const { host, port } = replica;
  expect(await probe({ host, port })).toEqual({
    kind: "refused",
    code: "not_writable",
    reason: "is a standby (pg_is_in_recovery() is true)",
  });
  const promoted = replica.promote();
  await until("the probe to see it writable", async () => (await probe({ host, port })).kind === "writable");
  await replica.query("create table proof (is_writable boolean)");
  await promoted;
});

test("a Postgres that lets nobody in yet is not ready", async () => {
  await using replica = await startReplica(primary, { standby: "closed" });
  const { host, port } = replica;
  expect(await probe({ host, port })).toEqual({
    kind: "refused",
    code: "not_ready",
    reason: "is starting up, shutting down or recovering",
  });
});

const MODES = [undefined, "disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const OF_ONE = /(web and sidekiq|streaming) \(.*\) could not work with it, .* could$/;

test.each([
  ["without TLS", "none", "all"],
  ["with a certificate that nobody trusts", "unknown", "all"],
  ["with a certificate that both trust", "trusted", "all"],
  ["that lets in with TLS only", "unknown", "hostssl"],
  ["that lets in with trusted TLS only", "trusted", "hostssl"],
  ["that lets in without TLS only", "trusted", "hostnossl"],
] as const)(
  "a server %s: the probe finds what libpq and node-postgres find with each DB_SSLMODE",
  async (_, certificate, rules) => {
    await using server = await startPostgres({ password: "db-secret-1" });
    await using folder = await temporaryFolder("certificates");
    const certificates = await makeCertificates(folder.path, server.host);
    if (certificate !== "none") await switchTlsOn(server, folder.path, certificates);
    if (rules !== "all") await letIn(server, rules);
    const before = getCACertificates("default");
    if (certificate === "trusted")
      setDefaultCACertificates([...before, await readFile(certificates.ca, "utf8")]);
    try {
      for (const sslmode of MODES) {
        const libpq = await connectsByLibpq(
          server,
          sslmode,
          certificate === "trusted" ? certificates.ca : "/no/such.crt",
        );
        const node = await connectsByNode(server, sslmode);
        const { host, port } = server;
        const found = await probe({ host, port, ...(sslmode !== undefined && { sslmode }) });
        const reason = found.kind === "writable" ? "" : found.reason;
        if (sslmode === "verify-full" && certificate === "unknown")
          expect(found, "who trusts whom").toMatchObject({
            cure: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
          });
        expect(found.kind === "writable", `${sslmode}: libpq ${libpq}, node-postgres ${node}`).toBe(
          libpq && node,
        );
        expect(OF_ONE.exec(reason)?.[1], `${sslmode}: ${reason}`).toBe(
          libpq === node ? undefined : libpq ? "streaming" : "web and sidekiq",
        );
      }
    } finally {
      setDefaultCACertificates(before);
    }
  },
);

async function switchTlsOn(
  server: PostgresServer,
  folder: string,
  { serverCertificate, serverKey }: Certificates,
) {
  const owner = postgresOwner();
  for (const path of owner === undefined ? [] : [folder, serverCertificate, serverKey]) {
    await chown(path, owner?.uid ?? 0, owner?.gid ?? 0);
  }
  await server.query(`alter system set ssl_cert_file = '${serverCertificate}'`);
  await server.query(`alter system set ssl_key_file = '${serverKey}'`);
  await server.query("alter system set ssl = on");
  await server.query("select pg_reload_conf()");
  await until("TLS to be on", () => connectsByLibpq(server, "require", "/no/such.crt"));
}

async function letIn(server: PostgresServer, kind: "hostssl" | "hostnossl") {
  await writeFile(await server.query("show hba_file"), `${kind} all all all scram-sha-256\n`);
  await server.query("select pg_reload_conf()");
  const isRead = `select count(*) from pg_hba_file_rules where type = '${kind}'`;
  await until("the rules to be in force", async () => (await server.query(isRead)) === "1");
}

/** Asked as web and sidekiq would. */
async function connectsByLibpq(
  { host, port, user, password, database }: PostgresServer,
  sslmode: string | undefined,
  rootCertificate: string,
): Promise<boolean> {
  const at = ["-h", host, "-p", String(port), "-U", user, "-d", database];
  const env = { PGPASSWORD: password, PGSSLMODE: sslmode ?? "prefer", PGSSLROOTCERT: rootCertificate };
  return run(program("psql"), [...at, "-XAtc", "select 1"], { env }).then(
    () => true,
    () => false,
  );
}

/** Asked as Mastodon's `streaming/database.js` does. */
async function connectsByNode(
  { host, port, user, password, database }: PostgresServer,
  sslmode: string | undefined,
): Promise<boolean> {
  const ssl = sslmode === undefined || sslmode === "disable" ? false : {};
  const client = new pg.Client({ host, port, user, password, database, ssl });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
