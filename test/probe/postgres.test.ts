import { chown, writeFile } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probePostgres } from "../../src/probe/probe.ts";
import type { ProbeResult } from "../../src/probe/result.ts";
import { makeCertificates } from "../world/certificates.ts";
import { freePort } from "../world/ports.ts";
import { postgresOwner, startPostgres } from "../world/postgres.ts";
import { startReplica } from "../world/postgres-replica.ts";
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

test("a server without TLS works with prefer, but not with require", async () => {
  expect(await probe({ sslmode: "prefer" })).toEqual({ kind: "writable" });
  expect(await probe({ sslmode: "allow" })).toEqual({ kind: "writable" });
  expect(await probe({ sslmode: "require" })).toEqual({
    kind: "refused",
    code: "wrong_tls",
    reason: "offers no TLS, which DB_SSLMODE requires",
  });
});

test("a server with TLS works with each mode as in libpq", async () => {
  await using secured = await startPostgres({ password: "db-secret-1" });
  await using folder = await temporaryFolder("certificates");
  const { ca, serverCertificate, serverKey } = await makeCertificates(folder.path, secured.host);
  const owner = postgresOwner();
  for (const path of owner === undefined ? [] : [folder.path, serverCertificate, serverKey]) {
    await chown(path, owner?.uid ?? 0, owner?.gid ?? 0);
  }
  await secured.query(`alter system set ssl_cert_file = '${serverCertificate}'`);
  await secured.query(`alter system set ssl_key_file = '${serverKey}'`);
  await secured.query("alter system set ssl = on");
  await secured.query("select pg_reload_conf()");
  const { host, port } = secured;
  const at = async (sslmode: string, caFile?: string) =>
    verdict(await probe({ host, port, sslmode, ...(caFile === undefined ? {} : { caFile }) }));
  await until("TLS to be on", async () => (await at("require")) === "writable");

  expect(await at("prefer")).toBe("writable");
  expect(await at("disable")).toBe("writable");
  expect(await at("verify-full", ca)).toBe("writable");
  expect(await at("verify-ca", ca)).toBe("writable");
  expect(await at("verify-full")).toBe("wrong_tls");
  expect(await at("verify-full", folder.file("missing.pem"))).toBe("wrong_tls");

  const rules = await secured.query("show hba_file");
  await useRules(rules, "hostssl");
  expect(await at("disable")).toBe("wrong_credentials");
  expect(await at("allow")).toBe("writable");
  await useRules(rules, "hostnossl");
  expect(await at("require")).toBe("wrong_credentials");
  expect(await at("prefer")).toBe("writable");

  async function useRules(path: string, kind: "hostssl" | "hostnossl") {
    await writeFile(path, `${kind} all all all scram-sha-256\n`);
    await secured.query("select pg_reload_conf()");
    const isRead = `select count(*) from pg_hba_file_rules where type = '${kind}'`;
    await until("the rules to be in force", async () => (await secured.query(isRead)) === "1");
  }
});
