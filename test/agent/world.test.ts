import { afterAll, beforeAll, expect, test } from "vitest";
import { WatchedWorld } from "../../src/agent/world.ts";
import type { ConsulClient } from "../../src/consul/client.ts";
import { clientAt } from "../consul/fixtures/connection.ts";
import { heardLog } from "../consul/fixtures/log.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { NOT_WATCHED } from "./not-watched.ts";

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

let consul: ConsulServer;

beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a leader whose member key comes late is found within about a second, and then queried once a minute", async () => {
  await consul.put("late/postgresql/leader", "pg1");
  await using followed = follow("late");
  await until("short questions", () => followed.waitsMs.filter((waitMs) => waitMs === SECOND_MS).length > 1);
  expect(followed.world.snapshot.leader).toMatchObject({ name: "pg1", endpoint: undefined });

  await consul.put("late/postgresql/members/pg1", JSON.stringify({ conn_url: "postgres://10.0.0.1:5432/x" }));
  await until("the address", () => {
    const { leader } = followed.world.snapshot;
    return leader?.kind === "member" && leader.endpoint?.host === "10.0.0.1";
  });
  await until("a long question", () => followed.waitsMs.at(-1) === MINUTE_MS);
});

test("a leader that the catalogue knows needs no short queries", async () => {
  await consul.register({ id: "postgresql/pg2", service: "postgresql", address: "10.0.0.2", port: 5432 });
  await consul.put("known/postgresql/leader", "pg2");
  await using followed = follow("known");
  await until("a long question", () => followed.waitsMs.at(-1) === MINUTE_MS);
});

test("a scope without a leader needs none either", async () => {
  await using followed = follow("none");
  await until("the second question", () => followed.waitsMs.length === 2);
  expect(followed.waitsMs.at(-1)).toBe(MINUTE_MS);
});

/** Follows Patroni's keys below a namespace, and notes how long Consul was asked to hold each question for the leader. */
function follow(namespace: string) {
  const end = new AbortController();
  const client = clientAt(consul.address);
  const waitsMs: number[] = [];
  const kvKey: ConsulClient["kvKey"] = (key, blocking) => {
    if (key === `${namespace}/postgresql/leader`) waitsMs.push(blocking.waitMs);
    return client.kvKey(key, blocking);
  };
  const world = new WatchedWorld({
    client: { ...client, kvKey },
    prefix: "mastodon",
    services: { ...NOT_WATCHED, postgres: "postgresql" },
    sentinelService: "",
    patroni: { namespace, scope: "postgresql" },
    log: heardLog().log,
    onChange: () => {},
  });
  const running = world.run(end.signal);
  return {
    world,
    waitsMs,
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await running;
    },
  };
}
