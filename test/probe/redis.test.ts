import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
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
  expect(await probeRedis({ host, port }, limits())).toMatchObject({ kind: "writable" });
  const others = async () => (await open.command("client", "list")).split("\n").length;
  await until("the probe's connection to be gone", async () => (await others()) === 1);
});

test("a master with a password accepts only the right one", async () => {
  const { host, port } = guarded;
  expect(await probeRedis({ host, port, password }, limits())).toMatchObject({ kind: "writable" });
  expect(await probeRedis({ host, port, password: new Secret("redis-secret-2") }, limits())).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: "refuses the user or the password",
  });
  expect(await probeRedis({ host, port }, limits())).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: "requires a password, and none is set",
  });
});

test("a master without a password accepts one anyway, as with Mastodon's clients", async () => {
  const { host, port } = open;
  expect(verdict(await probeRedis({ host, port, password }, limits()))).toBe("writable");
});

const ACL_USER = "Give it all keys, channels and ordinary commands: ACL SETUSER <user> ~* &* +@all -@admin.";

test.each([
  ["all that Mastodon needs", ["~*", "&*", "+@all", "-@admin"], undefined],
  [
    "no ROLE, and of the dangerous commands only INFO",
    ["~*", "&*", "+@all", "-@admin", "-@dangerous", "+info"],
    undefined,
  ],
  [
    "no INFO",
    ["~*", "&*", "+@all", "-@dangerous"],
    "does not let this user run INFO, so Sidekiq does not start",
  ],
  ["some keys", ["~mastodon*", "&*", "+@all"], "does not let this user read every key"],
  ["no writes", ["~*", "&*", "+@all", "-@write"], "does not let this user write"],
  ["keys that it may only read", ["%R~*", "&*", "+@all"], "does not let this user write"],
  [
    "no channels, as by default",
    ["~*", "resetchannels", "+@all"],
    "does not let this user publish to every channel, so timelines do not update",
  ],
  [
    "no scripts",
    ["~*", "&*", "+@all", "-@scripting"],
    "does not let this user run scripts, which Sidekiq and locks need",
  ],
])("an ACL user with %s is judged by what Mastodon needs", async (_, rules, reason) => {
  const { host, port } = guarded;
  await guarded.command("acl", "setuser", "mastodon", "reset", "on", ">acl-secret-1", ...rules);
  const user = { host, port, username: "mastodon", password: new Secret("acl-secret-1") };
  expect(await probeRedis(user, limits())).toMatchObject(
    reason === undefined
      ? { kind: "writable" }
      : { kind: "refused", code: "wrong_credentials", reason, cure: ACL_USER },
  );
  await guarded.command("acl", "deluser", "mastodon");
  expect(verdict(await probeRedis(user, limits())), "an unknown user").toBe("wrong_credentials");
});

test("a master that refuses writes is refused with what ends it, and writable again once that is done", async () => {
  await using server = await startRedis();
  const { host, port } = server;
  const look = () => probeRedis({ host, port }, limits());
  const changes = async () =>
    /rdb_changes_since_last_save:(\d+)/.exec(await server.command("info", "persistence"))?.[1];
  const refusals = [
    {
      begin: ["min-replicas-to-write", "1"],
      end: ["min-replicas-to-write", "0"],
      reason: "refuses writes: it has fewer replicas than its min-replicas-to-write requires",
      cure: /lower min-replicas-to-write/,
    },
    {
      begin: ["maxmemory", "1"],
      end: ["maxmemory", "0"],
      reason: "refuses writes: its memory is full (maxmemory, and there is nothing that it may evict)",
      cure: /Raise its maxmemory/,
    },
  ];
  for (const { begin, end, reason, cure } of refusals) {
    await server.command("config", "set", ...begin);
    expect(await look()).toEqual({
      kind: "refused",
      code: "not_writable",
      reason,
      cure: expect.stringMatching(cure),
    });
    await server.command("config", "set", ...end);
    expect(verdict(await look())).toBe("writable");
  }
  expect([await server.command("dbsize"), await changes()], "and nothing was left there").toEqual(["0", "0"]);
});

test("a master whose last save failed is refused until one succeeds", async () => {
  await using server = await startRedis({ arguments: ["--save", "3600 1"] });
  const { host, port } = server;
  const [, folder = ""] = (await server.command("config", "get", "dir")).split("\n");
  const inTheWay = join(folder, "dump.rdb");
  await mkdir(inTheWay);
  await server.command("bgsave");
  const status = (expected: string) => async () =>
    (await server.command("info", "persistence")).includes(`rdb_last_bgsave_status:${expected}`);
  await until("the save to fail", status("err"));
  expect(await probeRedis({ host, port }, limits())).toEqual({
    kind: "refused",
    code: "not_writable",
    reason: "refuses writes: its last save to disk failed",
    cure: expect.stringMatching(/free its disk/),
  });
  await rmdir(inTheWay);
  await server.command("bgsave");
  await until("the save to succeed", status("ok"));
  expect(verdict(await probeRedis({ host, port }, limits()))).toBe("writable");
});

test("a Redis in cluster mode is refused, since Mastodon knows no clusters", async () => {
  await using server = await startRedis({ arguments: ["--cluster-enabled", "yes"] });
  const { host, port } = server;
  expect(await probeRedis({ host, port }, limits())).toMatchObject({
    code: "not_writable",
    reason: "runs in cluster mode, which Mastodon cannot use",
  });
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
  expect(await look()).toMatchObject({ kind: "writable" });
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
  expect(await probeRedis({ host, port, tls: true, caFile: ca }, limits())).toMatchObject({
    kind: "writable",
  });
  expect(verdict(await probeRedis({ host, port, tls: true }, limits()))).toBe("wrong_tls");
  expect(verdict(await probeRedis({ host, port }, limits()))).toBe("unreachable");
});

test("a port where nothing listens is unreachable", async () => {
  const target = { host: open.host, port: await freePort() };
  expect(await probeRedis(target, limits())).toEqual({
    kind: "unreachable",
    reason: "refuses connections: nothing listens there",
  });
});

/** Enough that a slowed-down Redis loads for longer than the test takes. */
async function fill(server: RedisServer): Promise<void> {
  await server.command("config", "set", "rdbcompression", "no", "repl-diskless-sync-delay", "0");
  const keys = Array.from({ length: 500 }, (_, number) => [`key:${number}`, "x".repeat(1000)]).flat();
  await server.command("mset", ...keys);
}
