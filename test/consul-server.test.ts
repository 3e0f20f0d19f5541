import { expect, test } from "vitest";
import { startConsul } from "./world/consul.ts";
import { loopbackAddress } from "./world/ports.ts";
import { program } from "./world/programs.ts";
import { start } from "./world/spawn.ts";
import { temporaryFolder } from "./world/temporary.ts";
import { until } from "./world/until.ts";

test("a restarted Consul has the same addresses and the same data", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/DOMAIN", "example.org");
  await consul.stop();
  await expect(consul.get("mastodon/settings/DOMAIN")).rejects.toThrow();
  await consul.start();
  expect(await consul.get("mastodon/settings/DOMAIN")).toBe("example.org");
});

test("the catalogue shows an instance with the state its check was set to", async () => {
  await using consul = await startConsul();
  const redis = { id: "redis-1", service: "redis", address: "127.0.0.1", port: 6379 };
  const passing = () => consul.request("GET", "/v1/health/service/redis?passing");
  await consul.register(redis);
  expect(await passing()).toHaveLength(1);
  await consul.setCheck(redis, "critical");
  expect(await passing()).toHaveLength(0);
  await consul.setCheck(redis, "passing");
  expect(await passing()).toHaveLength(1);
  await consul.deregister(redis);
  expect(await consul.request("GET", "/v1/health/service/redis")).toHaveLength(0);
});

test("a client with the gossip key joins on an address of its own with Consul's usual ports", async () => {
  const gossipKey = Buffer.alloc(32, 7).toString("base64");
  await using consul = await startConsul({ gossipKey });
  await using folder = await temporaryFolder();
  const address = await loopbackAddress();
  const names = ["-node=client", `-bind=${address}`, `-client=${address}`, `-data-dir=${folder.path}`];
  await using client = await start(
    program("consul"),
    ["agent", ...names, `-encrypt=${gossipKey}`, `-retry-join=${consul.join}`],
    { stopSignal: "SIGKILL" },
  );
  await until("the client to know a leader", async () => {
    const response = await fetch(`http://${address}:8500/v1/status/leader`);
    return (await response.text()).includes(String(consul.ports.server));
  });
  expect(client.isRunning()).toBe(true);
});
