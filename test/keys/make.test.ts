import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TEMPORARY_NAME } from "../../src/keys/disk.ts";
import { type KeyFileName, loadKeys } from "../../src/keys/load.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { type LoadingProcess, loadingProcess, type Outcome } from "./fixtures/loading-process.ts";
import { freshDomain, pinsIn, storageIn } from "./fixtures/world.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

const NAMES: readonly KeyFileName[] = ["activerecord.keys", "otp.key", "secret.key", "vapid.keys"];

test("three processes that start at the same moment on the same storage end with the same keys, 100 times", async () => {
  await using folder = await temporaryFolder();
  await using processes = new AsyncDisposableStack();
  const agents: LoadingProcess[] = [];
  for (let count = 0; count < 3; count += 1) agents.push(processes.use(await loadingProcess(consul.address)));
  for (let round = 0; round < 100; round += 1) {
    const { directory } = storageIn(folder.file(String(round)));
    const domain = freshDomain();
    const [first, ...others] = await Promise.all(agents.map((agent) => agent.load({ directory, domain })));
    expect(first).toMatchObject({
      fingerprints: Object.fromEntries(await pinsIn(consul.address, domain).read()),
    });
    for (const other of others) expect(other).toEqual(first);
    expect((await readdir(directory)).sort()).toEqual(NAMES);
  }
});

const MOMENTS = (["before", "after"] as const).flatMap((moment) =>
  [1, 2, 3, 4].map((pinning) => ({ moment, pinning })),
);

test.each(MOMENTS)("recovers from a kill right $moment pinning number $pinning", async (dieAt) => {
  await using folder = await temporaryFolder();
  const { directory } = storageIn(folder.path);
  const domain = freshDomain();
  await using agent = await loadingProcess(consul.address);
  expect(await agent.load({ directory, domain, dieAt })).toEqual({ killed: true });
  await expectRecovery(folder.path, domain);
});

test("recovers from kills at any moment, even while a second process is creating the same keys", async () => {
  await using folder = await temporaryFolder();
  await using witness = await loadingProcess(consul.address);
  const spanMs = await durationOf(
    witness.load({ ...storageIn(folder.file("first")), domain: freshDomain() }),
  );
  const outcomes: Outcome[] = [];
  for (let round = 0; round < 40; round += 1) {
    const node = folder.file(String(round));
    const start = { directory: storageIn(node).directory, domain: freshDomain() };
    await using victim = await loadingProcess(consul.address);
    const killed = victim.load(start);
    const watched = round % 2 === 0 ? witness.load(start) : undefined;
    // Spread over the whole making, whatever the speed of the machine.
    await delay((spanMs * (round + 1)) / 40);
    victim.kill();
    outcomes.push(await killed);
    if (watched) expect(await watched).toHaveProperty("fingerprints");
    await expectRecovery(node, start.domain);
  }
  expect(outcomes).toContainEqual({ killed: true });
});

/** What was pinned before is what is used after; and whoever comes next finds nothing left to do. */
async function expectRecovery(node: string, domain: string): Promise<void> {
  const storage = storageIn(node);
  const pins = pinsIn(consul.address, domain);
  const pinnedBefore = await pins.read();
  const { fingerprints } = await loadKeys(storage, pins);
  expect(Object.fromEntries(fingerprints)).toMatchObject(Object.fromEntries(pinnedBefore));
  expect(await pins.read()).toEqual(fingerprints);
  expect((await loadKeys(storage, pins)).fingerprints).toEqual(fingerprints);
  const left = (await readdir(storage.directory)).filter((name) => !TEMPORARY_NAME.test(name));
  expect(left.sort()).toEqual(NAMES);
}

async function durationOf(work: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work;
  return performance.now() - startMs;
}
