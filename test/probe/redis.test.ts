import { afterAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probeRedis } from "../../src/probe/probe.ts";
import { makeCertificates } from "../world/certificates.ts";
import { freePort } from "../world/ports.ts";
import { type RedisServer, startRedis } from "../world/redis.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { limits, verdict } from "./limits.ts";

const world = new AsyncDisposableStack();
const open = world.use(await startRedis());
const guarded = world.use(await startRedis({ password: "redis-secret-1" }));
afterAll(() => world.disposeAsync());

const password = new Secret("redis-secret-1");

test("a master is writable, and no connection is left open", async () => {
  const { host, port } = open;
  expect(await probeRedis({ host, port }, limits())).toEqual({ kind: "writable" });
  const others = async () => (await open.command("client", "list")).split("\n").length;
  await until("the probe's connection to be gone", async () => (await others()) === 1);
});

test("a master with a password accepts only the right one", async () => {
  const { host, port } = guarded;
  expect(await probeRedis({ host, port, password }, limits())).toEqual({ kind: "writable" });
  expect(await probeRedis({ host, port, password: new Secret("redis-secret-2") }, limits())).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: "refuses the user or the password",
  });
  expect(await probeRedis({ host, port }, limits())).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: "asks for a password, and none is known",
  });
});

test("a master without a password accepts one anyway, as with Mastodon's clients", async () => {
  const { host, port } = open;
  expect(verdict(await probeRedis({ host, port, password }, limits()))).toBe("writable");
});

test("an ACL user is let in, even one that may not use ROLE", async () => {
  const { host, port } = guarded;
  const user = { host, port, username: "mastodon", password: new Secret("acl-secret-1") };
  expect(verdict(await probeRedis(user, limits()))).toBe("wrong_credentials");
  await guarded.command("acl", "setuser", "mastodon", "on", ">acl-secret-1", "~*", "+@all");
  expect(verdict(await probeRedis(user, limits()))).toBe("writable");
  await guarded.command("acl", "setuser", "mastodon", "-@admin", "-@dangerous");
  expect(verdict(await probeRedis(user, limits()))).toBe("writable");
});

test("a replica is refused, even one that lost its master, and writable once it is a master", async () => {
  await using replica = await startRedis({ password: "redis-secret-1" });
  const { host, port } = replica;
  const look = () => probeRedis({ host, port, password }, limits());
  await guarded.command("config", "set", "repl-diskless-sync-delay", "0");
  await replica.command("config", "set", "masterauth", "redis-secret-1");
  await replica.command("replicaof", guarded.host, String(guarded.port));
  await until("the replica to follow", async () =>
    (await replica.command("info", "replication")).includes("master_link_status:up"),
  );
  expect(await look()).toEqual({ kind: "refused", code: "not_writable", reason: "is a replica" });
  await replica.command("config", "set", "replica-serve-stale-data", "no");
  await replica.command("replicaof", host, String(await freePort()));
  expect(await look()).toEqual({
    kind: "refused",
    code: "not_writable",
    reason: "is a replica that has lost its master",
  });
  await replica.command("replicaof", "no", "one");
  expect(await look()).toEqual({ kind: "writable" });
});

test("a Redis that is still loading is not ready", async () => {
  await using source = await startRedis();
  await using loading = await startRedis();
  await fill(source);
  await loading.command("config", "set", "key-load-delay", "100000");
  await loading.command("config", "set", "loading-process-events-interval-bytes", "1024");
  await loading.command("replicaof", source.host, String(source.port));
  await until("it to load", async () => (await loading.command("ping")).startsWith("LOADING"));
  const { host, port } = loading;
  expect(await probeRedis({ host, port }, limits())).toEqual({
    kind: "refused",
    code: "not_ready",
    reason: "is still loading its data",
  });
});

test("TLS is used and its certificate verified", async () => {
  await using folder = await temporaryFolder("certificates");
  await using secured = await startRedis();
  const { host } = secured;
  const port = await freePort(host);
  const { ca, serverCertificate, serverKey } = await makeCertificates(folder.path, host);
  await secured.command("config", "set", "tls-auth-clients", "no");
  await secured.command(
    ...["config", "set", "tls-cert-file", serverCertificate, "tls-key-file", serverKey],
    ...["tls-ca-cert-file", ca, "tls-port", String(port)],
  );
  expect(await probeRedis({ host, port, tls: true, caFile: ca }, limits())).toEqual({ kind: "writable" });
  expect(verdict(await probeRedis({ host, port, tls: true }, limits()))).toBe("wrong_tls");
  expect(verdict(await probeRedis({ host, port }, limits()))).toBe("unreachable");
});

test("a port where nothing listens is unreachable", async () => {
  const target = { host: open.host, port: await freePort() };
  expect(await probeRedis(target, limits())).toEqual({
    kind: "unreachable",
    reason: "refuses connections: nobody listens there",
  });
});

/** Enough that a slowed-down Redis loads for longer than the test takes. */
async function fill(server: RedisServer): Promise<void> {
  await server.command("config", "set", "rdbcompression", "no", "repl-diskless-sync-delay", "0");
  const keys = Array.from({ length: 500 }, (_, number) => [`key:${number}`, "x".repeat(1000)]).flat();
  await server.command("mset", ...keys);
}
