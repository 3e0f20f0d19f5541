import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { lookAtSchema } from "../../src/probe/schema.ts";
import { startPostgres } from "../world/postgres.ts";
import { until } from "../world/until.ts";
import { limits } from "./limits.ts";
import { startSilence } from "./silence.ts";

test("distinguishes an empty database, somebody else's, a migrated one, one being migrated and none at all", async () => {
  await using postgres = await startPostgres();
  const { host, port, user, database } = postgres;
  const target = { host, port, user, database, password: new Secret(postgres.password) };
  const look = () => lookAtSchema(target, limits());
  expect(await look()).toEqual({ kind: "empty" });
  await postgres.query("create table something (text text)");
  expect(await look()).toEqual({ kind: "foreign" });
  await postgres.query("create table schema_migrations (version varchar)");
  expect(await look(), "Rails makes the table before the first migration").toEqual({ kind: "empty" });
  await postgres.query("insert into schema_migrations values ('1'), ('20160101000000')");
  expect(await look()).toEqual({ kind: "migrated", versions: new Set(["1", "20160101000000"]) });

  const lock = 2053462845n * BigInt(crc32(database));
  const migrating = postgres.query(`select pg_advisory_lock(${lock}), pg_sleep(3)`);
  await until("the lock", async () => (await look()).kind === "busy");
  await migrating;
  expect(await look()).toMatchObject({ kind: "migrated" });

  const wrong = await lookAtSchema({ ...target, password: new Secret("another one") }, limits());
  expect(wrong).toMatchObject({
    kind: "unavailable",
    reason: expect.stringContaining("refuses the password"),
  });
  await postgres.stop();
  expect(await look()).toMatchObject({ kind: "unavailable" });
  await using silence = await startSilence();
  expect(await lookAtSchema({ ...target, port: silence.port }, limits(200))).toMatchObject({
    kind: "unavailable",
    reason: "does not answer within 200 ms",
  });
});
