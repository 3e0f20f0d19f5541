import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { oldSelfMs, untilHealthy } from "../../src/apply/health.ts";
import { probe } from "../../src/apply/probe.ts";
import { isRunning } from "../../src/apply/running.ts";
import { runSteps } from "../../src/apply/steps.ts";
import { processOf } from "../../src/state/process.ts";
import { freePort } from "../world/ports.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { startWeb, steps, unit, writePidfile } from "./units.ts";

const reload = [{ touch: "/dev/null" }];
const fresh = { oldSelfMs: 0, redact: steps.redact };

test("uses the pidfile to tell whether a unit is running", async () => {
  await using folder = await temporaryFolder();
  const sleeper = await start("sleep", ["60"]);
  const pidfile = await writePidfile(folder.file("pid"), sleeper.pid);
  const byHealth = unit("sidekiq", { reload, health: { pidfile } });
  const byStep = unit("sidekiq", { reload: [{ signal: "TERM", pidfile }] });
  expect([await isRunning(byHealth), await isRunning(byStep)]).toEqual(["running", "running"]);
  await sleeper.stop();
  expect([await isRunning(byHealth), await isRunning(byStep)]).toEqual(["stopped", "stopped"]);
});

test("uses the health check if there is no pidfile, and does not know if there is neither", async () => {
  const port = await freePort();
  const byTcp = unit("nginx", { reload, health: { tcp: `127.0.0.1:${port}` } });
  expect(await isRunning(byTcp)).toBe("stopped");
  const server = createServer().listen(port, "127.0.0.1");
  await until("a connection", async () => (await isRunning(byTcp)) === "running");
  server.close();
  expect(await isRunning(unit("nginx", { reload, health: { run: ["true"] } }))).toBe("running");
  expect(await isRunning(unit("nginx", { reload }))).toBe("unknown");
});

test.each([
  ["says yes", ["true"], {}, "running"],
  ["says no", ["false"], {}, "ill"],
  ["says yes after 3 s", ["sleep", "3"], {}, "running"],
  ["does not end in its time", ["sleep", "60"], { timeout: "100ms" }, "unknown"],
  ["is not there", ["/no/such/program"], {}, "unknown"],
])("a unit without a pidfile whose health command %s", async (_, run, more, seen) => {
  expect(await isRunning(unit("web", { reload, health: { run, ...more } }))).toBe(seen);
});

test("a failover does not wait for a health command that hangs", async () => {
  const hanging = unit("web", { reload, health: { run: ["sleep", "60"] } });
  expect(await isRunning(hanging, true)).toBe("unknown");
});

test("a failing health command and a missing pidfile mean a stopped unit", async () => {
  const signal = [{ signal: "HUP", pidfile: "/no/such/pidfile" }];
  expect(await isRunning(unit("web", { reload: signal, health: { run: ["false"] } }))).toBe("stopped");
});

test("a unit that lost its pidfile but answers does not count as stopped", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("config"), "one");
  await using web = await startWeb(folder, folder.file("config"));
  const signal = [{ signal: "USR2", pidfile: folder.file("lost.pid") }];
  expect(await isRunning(unit("web", { reload: signal, health: { http: web.url } }))).toBe("running");
});

test("waits for a slow program", async () => {
  const port = await freePort();
  const slow = unit("nginx", { reload, health: { tcp: `127.0.0.1:${port}`, timeout: "20s" } });
  const healthy = untilHealthy(slow, fresh);
  const server = createServer();
  setTimeout(() => server.listen(port, "127.0.0.1"), 100);
  await healthy;
  server.close();
});

test.each([
  ["nobody listens", "tcp", "ECONNREFUSED"],
  ["nobody answers", "http", "no answer within"],
])("gives the last failure when %s", async (_, kind, message) => {
  const port = await freePort();
  const server = kind === "http" ? createServer().listen(port, "127.0.0.1") : undefined;
  const health = kind === "http" ? { http: `http://127.0.0.1:${port}/` } : { tcp: `127.0.0.1:${port}` };
  const sick = unit("web", { reload, health: { ...health, timeout: "300ms" } });
  await expect(untilHealthy(sick, fresh)).rejects.toThrow(`unit web: it is not healthy 0.3s after its steps`);
  await expect(untilHealthy(sick, fresh)).rejects.toThrow(message);
  server?.close();
});

test("bounds a health command and keeps secrets out of its output", async () => {
  const hanging = unit("web", { reload, health: { run: ["sleep", "60"], timeout: "100ms" } });
  await expect(untilHealthy(hanging, fresh)).rejects.toThrow("so it was stopped");
  const talking = unit("web", {
    reload,
    health: { run: ["sh", "-c", "echo hunter2; exit 1"], timeout: "100ms" },
  });
  await expect(untilHealthy(talking, fresh)).rejects.toThrow("exit code 1, [redacted]");
});

test("a health command may take as long as the unit's timeout, even after a reload that keeps the old process", async () => {
  const slow = unit("web", { reload, health: { run: ["sleep", "5.5"], timeout: "6s" } });
  await untilHealthy(slow, { ...fresh, oldSelfMs: oldSelfMs([{ wait: 1 }]) });
}, 20_000);

test("after TERM a new process has to be alive", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("config"), "one");
  await using web = await startWeb(folder, folder.file("config"));
  const before = await web.pid();
  const sidekiq = unit("sidekiq", {
    reload: [{ signal: "TERM", pidfile: web.pidfile }],
    health: { pidfile: web.pidfile, timeout: "20s" },
  });
  expect(await runSteps(sidekiq.name, sidekiq.reload, steps)).toEqual({ ended: true });
  await untilHealthy(sidekiq, fresh);
  expect(await web.pid()).not.toBe(before);
  expect(await processOf(await web.pid())).toBeDefined();
});

test("a process that keeps dying and being respawned does not count as healthy", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("config"), "one");
  await using web = await startWeb(folder, folder.file("config"));
  await writeFile(folder.file("config"), "broken");
  const sidekiq = unit("sidekiq", {
    reload: [{ signal: "TERM", pidfile: web.pidfile }],
    health: { pidfile: web.pidfile, timeout: "3s" },
  });
  await runSteps(sidekiq.name, sidekiq.reload, steps);
  await expect(untilHealthy(sidekiq, fresh)).rejects.toThrow("not healthy");
});

test("does not count the old process's answer before a hot restart", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("config"), "one");
  await using web = await startWeb(folder, folder.file("config"));
  await writeFile(folder.file("config"), "two");
  const puma = unit("web", {
    reload: [{ signal: "USR2", pidfile: web.pidfile }],
    health: { http: web.url, timeout: "20s" },
  });
  const before = await web.pid();
  expect(await runSteps(puma.name, puma.reload, steps)).toEqual({ ended: false });
  await untilHealthy(puma, { ...fresh, oldSelfMs: oldSelfMs(puma.reload) });
  expect(await web.answer()).toBe("two");
  expect(await web.pid()).toBe(before);
});

test("the rest of a unit's timeout need not be a whole number of milliseconds", async () => {
  const port = await freePort();
  const server = createServer().listen(port, "127.0.0.1");
  const health = { tcp: `127.0.0.1:${port}`, timeout: 2000 };
  await until("a connection", async () => (await probe(health, 1000)).ok);
  expect(await probe(health, 1999.5)).toEqual({ ok: true });
  server.close();
});
