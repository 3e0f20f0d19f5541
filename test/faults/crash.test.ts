/** The agent is a real process and is killed by SIGKILL; a run is one kill. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, type TestAgent, UNPROBED } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { EVENTS, killAt, type Moment, spreadOver } from "./fixtures/moments.ts";
import { bytesOf, keysOf, leftOver, memoryOf, runningWith, startSite } from "./fixtures/site.ts";

/** Each is followed by a second one: with those at each event 181 kills here, 22 below, 16 while keys are made. */
const KILLS_BY_TIME = 72;
const BAD_KILLS_BY_TIME = 12;
const KEY_KILLS = 16;
const SURE_TO_COME_MS = 15_000;

const KEY_NAMES = ["activerecord.keys", "otp.key", "secret.key", "vapid.keys"];

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul({ maxConnections: 5000 });
});
afterAll(() => consul[Symbol.asyncDispose]());

test("an agent killed at any moment of an apply, and again while it resumes it, ends with all of the new state", {
  timeout: 400_000,
}, async () => {
  await using agent = await startSite(consul, { prefix: "crash" });
  await agent.converged();
  const keys = await keysOf(agent);
  let port = 30_000;
  const put = (next: number) => consul.put("crash/settings/MAILPORT", String(next));
  const applied = async () => (await memoryOf(agent)).memory.kv[0]?.value === String(port);
  const windowMs = await durationOf(async () => {
    port += 1;
    await put(port);
    await until("the put to be applied", applied);
  });
  agent.signal("SIGKILL");
  await agent.exited();
  const startMs = await durationOf(async () => {
    await agent.start();
    await agent.converged();
  });
  const moments = [...EVENTS, ...spreadOver(windowMs * 1.1, KILLS_BY_TIME)];
  const again = spreadOver(startMs, moments.length);
  for (const [run, moment] of moments.entries()) {
    const before = await bytesOf(agent);
    port += 1;
    const after = withPort(before, port);
    await killAt(agent, moment, () => put(port));
    await expectWhole(agent, [before, after]);
    await killAt(agent, again[(run * 7) % again.length] ?? { afterMs: 0 }, () => agent.start());
    await expectWhole(agent, [before, after]);
    await agent.start();
    await agent.converged();
    await until("the put to be remembered", applied);
    expect(await bytesOf(agent)).toEqual(after);
    await expectSound(agent, keys);
  }
});

test("an agent killed at any moment of a failing apply ends with all of the old state, verified", {
  timeout: 300_000,
}, async () => {
  await using agent = await startSite(consul, { prefix: "bad", refuses: "SMTP_PORT=6" });
  await agent.converged();
  const keys = await keysOf(agent);
  const put = (port: number) => consul.put("bad/settings/MAILPORT", String(port));
  const isBack = async () => {
    const { memory } = await memoryOf(agent);
    return memory.rejected !== undefined && memory.intent === undefined;
  };
  const windowMs = await durationOf(async () => {
    await put(60_000);
    await until("the put to be put back", isBack);
  });
  const moments = [...badEvents(), ...spreadOver(windowMs * 1.1, BAD_KILLS_BY_TIME)];
  for (const [run, moment] of moments.entries()) {
    await put(30_000 + run);
    // On disk: what was verified but not yet remembered a kill takes back to the one before.
    await until("a good put to be applied and remembered", async () => {
      const { memory } = await memoryOf(agent);
      return memory.rejected === undefined && memory.intent === undefined;
    });
    await agent.converged();
    const before = await bytesOf(agent);
    const bad = 60_001 + run;
    await killAt(agent, moment, () => put(bad));
    await expectWhole(agent, [before, withPort(before, bad)]);
    await agent.start();
    await until("the old state", isBack);
    expect(await bytesOf(agent)).toEqual(before);
    await expectSound(agent, keys);
    await until("the reason in the status", async () =>
      (await agent.status()).problems.some(({ code }) => code === "change_put_back"),
    );
  }
});

test("an endpoint move that was cut off and fails is rolled back too", async () => {
  const isBack = async () => {
    const { memory } = await memoryOf(agent);
    return memory.rejected !== undefined && memory.intent === undefined;
  };
  await using agent = await startSite(consul, {
    ...moving("move"),
    environment: { ...HOSTS, DBHOST: "10.5.5.5" },
  });
  await agent.converged();
  const before = await bytesOf(agent);
  const register = () => consul.register(database("move", "10.6.6.6"));
  await killAt(agent, { name: "reloads.log", event: "change", nth: 1 }, register, SURE_TO_COME_MS);
  await agent.start();
  await until("the old state", isBack);
  expect(await bytesOf(agent)).toEqual(before);
  await expectSound(agent, await keysOf(agent));
});

test("a move away from a dead endpoint that was cut off and fails is not rolled back, but retried", async () => {
  const { DBHOST: _, ...others } = HOSTS;
  await consul.register(database("ahead", "10.5.5.5"));
  await using agent = await startSite(consul, { ...moving("ahead"), environment: others });
  await agent.converged();
  const fail = async () => {
    await consul.register({ ...database("ahead", "10.6.6.6"), id: "ahead2" });
    await consul.setCheck(database("ahead", "10.5.5.5"), "critical");
  };
  await killAt(agent, { name: "reloads.log", event: "change", nth: 1 }, fail, SURE_TO_COME_MS);
  await agent.start();
  await until("two attempts", () => agent.output().split('"change not applied"').length > 2);
  expect((await agent.variables())["DB_HOST"]).toBe("10.6.6.6");
  expect((await memoryOf(agent)).memory.rejected).toBeUndefined();
});

test("what was cut off is finished at once, although the killed agent seems to hold the fleet lock", async () => {
  await using agent = await startSite(consul, {
    prefix: "lock",
    config: { reload: { min_interval: "0ms" } },
  });
  await agent.converged();
  const before = await bytesOf(agent);
  const put = () => consul.put("lock/settings/MAILPORT", "30001");
  await killAt(agent, { name: "reloads.log", event: "change", nth: 1 }, put, SURE_TO_COME_MS);
  await agent.start();
  await agent.converged();
  expect(await bytesOf(agent)).toEqual(withPort(before, 30_001));
  await expectSound(agent, await keysOf(agent));
});

test("an agent killed at any moment of its first start keeps every key it has created", {
  timeout: 120_000,
}, async () => {
  await using agent = await startSite(consul, { prefix: "keys" });
  const firstMs = await durationOf(() => agent.converged());
  await agent.stop();
  for (const [run, moment] of spreadOver(firstMs * 1.2, KEY_KILLS).entries()) {
    for (const name of ["keys", "state"])
      await rm(path.join(agent.folder, name), { recursive: true, force: true });
    await agent.removeEnvFile();
    const domain = { DOMAIN: `born${run}.example.org` };
    await killAt(agent, moment, () => agent.start(domain));
    const made = await keysOf(agent);
    await agent.start(domain);
    await agent.converged();
    const keys = await keysOf(agent);
    expect(keys).toMatchObject(
      Object.fromEntries(KEY_NAMES.flatMap((name) => (made[name] ? [[name, made[name]]] : []))),
    );
    expect((await agent.variables())["SECRET_KEY_BASE"]).toBe(keys["secret.key"]?.trim());
    await expectSound(agent, keys);
    await agent.stop();
  }
});

/** Web does not take the database at 10.6.6.6. */
function moving(service: string) {
  const dependencies = { ...UNPROBED, postgres: { service, probe: false } };
  return { prefix: service, refuses: "DB_HOST=10.6", config: { dependencies } };
}

function database(service: string, address: string) {
  return { id: service, service, address, port: 5432, status: "passing" } as const;
}

/** Also those of the way back: the first file's second rename, the second unit's second line. */
function badEvents(): readonly Moment[] {
  return [
    { name: ".env.production", event: "rename", nth: 1 },
    { name: "extra.json", event: "rename", nth: 1 },
    { name: "reloads.log", event: "change", nth: 1 },
    { name: "reloads.log", event: "change", nth: 2 },
    { name: "extra.json", event: "rename", nth: 2 },
    { name: ".env.production", event: "rename", nth: 2 },
    { name: "reloads.log", event: "change", nth: 3 },
    { name: "reloads.log", event: "change", nth: 4 },
    { name: "state.json", event: "rename", nth: 2 },
    { name: "state.json", event: "rename", nth: 4 },
  ];
}

/** What a reader may find at the moment of the kill: of each file the old bytes or the new, and a state file that is one. */
async function expectWhole(agent: TestAgent, states: readonly Readonly<Record<string, string>>[]) {
  for (const [file, bytes] of Object.entries(await bytesOf(agent)))
    expect(states.map((state) => state[file])).toContain(bytes);
  expect((await memoryOf(agent)).mode).toBe(0o600);
}

/** What must hold once the agent is at rest again. */
async function expectSound(agent: TestAgent, keys: Readonly<Record<string, string>>): Promise<void> {
  for (const { runs, says, unit } of await runningWith(agent))
    expect({ unit, runs }).toEqual({ unit, runs: says });
  expect(await keysOf(agent)).toEqual(keys);
  // The agent may be writing its state just now.
  await until("nothing to be left over", async () => (await leftOver(agent)).length === 0);
  const { memory, mode } = await memoryOf(agent);
  expect({ mode, intent: memory.intent }).toEqual({ mode: 0o600, intent: undefined });
}

function withPort(bytes: Readonly<Record<string, string>>, port: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(bytes).map(([file, text]) => [
      file,
      text.replace(/^(SMTP_PORT=|.*"port": ")\d+/m, `$1${port}`),
    ]),
  );
}

async function durationOf(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}
