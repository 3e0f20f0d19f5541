import { expect, test } from "vitest";
import { startSentinel } from "./world/sentinel.ts";
import { until } from "./world/until.ts";

test("when the primary is killed its replica takes over, with the data written before", async () => {
  await using world = await startSentinel({ password: "not a real password" });
  const [first, second] = world.servers;
  expect(await world.primary()).toBe(first);
  await first?.command("set", "greeting", "hello");
  await until("the replica to have it", async () => (await second?.command("get", "greeting")) === "hello");

  expect(await world.killPrimary()).toBe(first);
  await until("the failover", async () => (await world.primary()) === second, 40_000);
  await until("a writable primary", async () => (await second?.command("set", "greeting", "bye")) === "OK");

  await first?.start();
  const role = async () => (await first?.command("role"))?.split("\n")[0];
  await until("the killed one to become a replica", async () => (await role()) === "slave", 40_000);
  await until("it to follow", async () => (await first?.command("get", "greeting")) === "bye", 40_000);
}, 120_000);

test("one sentinel is enough if nothing else is wanted", async () => {
  await using world = await startSentinel({ name: "alone", sentinels: 1 });
  await world.killPrimary();
  await until("the failover", async () => (await world.primary()) === world.servers[1], 40_000);
});
