import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type PebbleServer, startPebble } from "../world/pebble.ts";
import { start } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { DOMAIN, lookAt, optionsFor } from "./fixtures/keeper.ts";
import { serveShipped } from "./fixtures/nginx.ts";

test("an agent killed once it has a key for its account gets one account", async () => {
  await using world = await makeWorld();
  await world.killedWhen(async () => (await world.files("accounts")).some((name) => name.endsWith(".pem")));
  await world.finishes();
});

test("an agent killed with its order just placed finishes that order", async () => {
  await using world = await makeWorld();
  await world.killedWhen(async () => (await world.files(DOMAIN)).includes("order.json"));
  await world.finishes();
});

test("an agent killed while the authority validates finishes that order", async () => {
  await using world = await makeWorld();
  await world.killedWhen(() => world.pebble.count("Pulled a task") > 0);
  await world.finishes();
});

/** The authority takes its time, so that the agent is killed before it has what it wants; nginx answers meanwhile. */
async function makeWorld() {
  await using making = new AsyncDisposableStack();
  const folder: TemporaryFolder = making.use(await temporaryFolder("certificates"));
  const pebble: PebbleServer = making.use(await startPebble({ sleepSeconds: 6 }));
  making.use(await serveShipped(folder, pebble.challenge));
  const options = optionsFor(folder, pebble, { pace: { firstMs: 0, longestMs: 0 } });
  const release = making.move();
  return {
    pebble,
    files: (name: string): Promise<string[]> => readdir(folder.file("storage", name)).catch(() => []),
    killedWhen: async (isThen: () => boolean | Promise<boolean>) => {
      const fixture = fileURLToPath(new URL("fixtures/look.ts", import.meta.url));
      await using agent = await start(process.execPath, [fixture, pebble.ca, JSON.stringify(options)]);
      await until("the moment to kill it", isThen);
      agent.signal("SIGKILL");
      expect(await agent.exited).toMatchObject({ signal: "SIGKILL" });
      expect(pebble.count("Issued certificate")).toBe(0);
    },
    finishes: async () => {
      const state = await until("a certificate", async () => {
        const seen = await lookAt(options);
        if (seen.found.kind !== "good") throw new Error(JSON.stringify(seen.problems));
        return seen;
      });
      expect(state.problems).toEqual([]);
      expect(pebble.count("There are now 2 accounts")).toBe(0);
      expect(pebble.count("Added order")).toBe(1);
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
