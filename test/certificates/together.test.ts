import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { acquireFleetLock, type FleetLock } from "../../src/consul/lock.ts";
import { silentLog } from "../../src/report/log.ts";
import { clientAt } from "../consul/fixtures/connection.ts";
import { startConsul } from "../world/consul.ts";
import { startPebble } from "../world/pebble.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { DOMAIN, lookAt, optionsFor } from "./fixtures/keeper.ts";

test("with two nodes on one storage, one orders and both have the certificate", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  await using consul = await startConsul({ acl: true });
  const token = new Secret(await consul.createToken(await readFile("packaging/consul-policy.hcl", "utf8")));
  const client = clientAt(consul.address, { token });
  const lockOf =
    (node: string) =>
    (domain: string, signal: AbortSignal): Promise<FleetLock> =>
      acquireFleetLock({ client, domain, name: "certificates", node, signal, log: silentLog() });
  const states = await Promise.all(
    ["jail1", "jail2"].map((node) => lookAt(optionsFor(folder, pebble, { node, lock: lockOf(node) }))),
  );
  expect(states.map(({ found }) => found.kind)).toEqual(["good", "good"]);
  expect(states[0]?.found).toEqual(states[1]?.found);
  expect(pebble.count("Added order")).toBe(1);
  expect(await consul.get(`mastodon-agent/${DOMAIN}/certificates`)).toMatch(/^jail[12]$/);
});

test("nothing is ordered while Consul is away", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const client = clientAt("http://127.0.0.1:9");
  const lock = (domain: string, signal: AbortSignal) =>
    acquireFleetLock({
      client,
      domain,
      name: "certificates",
      node: "jail1",
      signal,
      log: silentLog(),
    });
  const { problems, nextAttemptMs } = await lookAt(optionsFor(folder, pebble, { lock }));
  expect(problems[0]).toMatchObject({ code: "certificate_not_issued" });
  expect(problems[0]?.message).toContain("its lock cannot be taken in Consul");
  expect(nextAttemptMs).toBeLessThanOrEqual(Date.now());
  expect(pebble.count("POST")).toBe(0);
});
