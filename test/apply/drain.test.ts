import { writeFile } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { expect, test } from "vitest";
import { unitSchema } from "../../src/apply/config.ts";
import { runSteps } from "../../src/apply/steps.ts";
import { profileDefaults } from "../../src/options/profiles.ts";
import { childrenOf } from "../../src/state/children.ts";
import { processOf } from "../../src/state/process.ts";
import { heardLog } from "../consul/fixtures/log.ts";
import { freePort } from "../world/ports.ts";
import { program } from "../world/programs.ts";
import { type Running, start } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

test("a worker of puma that does not end with a hot restart is killed, and web answers again", async () => {
  await using folder = await temporaryFolder();
  await using puma = await startPuma(folder);
  const old = await workersOf(puma);
  // A worker that is told to stop finishes its request first: one that never answers keeps it from ending.
  await using _visitor = await visit(puma.port, "/never");
  await until("the request", () => puma.output().includes("never"));
  const { log, text } = heardLog();
  const steps = unitSchema.parse({ reload: [{ signal: "USR2", pidfile: puma.pidfile, drain: "1s" }] }).reload;
  expect(await runSteps("web", steps, { log, redact: (said) => said })).toEqual({ ended: true });
  for (const { pid } of old) expect(await processOf(pid)).toBeUndefined();
  expect(text()).toMatch(/old processes did not end in time and are killed/);
  await until("web's answer", async () => (await fetch(`http://127.0.0.1:${puma.port}/`)).ok);
  expect(await processOf(puma.pid)).toBeDefined();
});

test("nobody is killed where all old workers end, and their end is waited for", async () => {
  await using folder = await temporaryFolder();
  await using puma = await startPuma(folder);
  const old = await workersOf(puma);
  const { log, text } = heardLog();
  const steps = unitSchema.parse({
    reload: [{ signal: "USR2", pidfile: puma.pidfile, drain: "30s" }],
  }).reload;
  expect(await runSteps("web", steps, { log, redact: (said) => said })).toEqual({ ended: true });
  for (const { pid } of old) expect(await processOf(pid)).toBeUndefined();
  expect(text()).not.toContain("killed");
  await until("web's answer", async () => (await fetch(`http://127.0.0.1:${puma.port}/`)).ok);
});

test("the jail's web is reloaded that way", () => {
  expect(profileDefaults("potluck", {})).toMatchObject({
    units: { web: { reload: [{ signal: "USR2", drain: "15s" }] } },
  });
});

interface Puma extends Running {
  readonly port: number;
  readonly pidfile: string;
}

/** With two workers that puma itself would wait for longer than any test. */
async function startPuma(folder: TemporaryFolder): Promise<Puma> {
  const port = await freePort();
  const pidfile = folder.file("puma.pid");
  await writeFile(
    folder.file("puma.rb"),
    `bind "tcp://127.0.0.1:${port}"\nworkers 2\nthreads 1, 1\npreload_app!\npidfile "${pidfile}"\nworker_shutdown_timeout 600\n`,
  );
  await writeFile(
    folder.file("config.ru"),
    `$stdout.sync = true
run(lambda do |request|
  if request["PATH_INFO"] == "/never"
    puts "never"
    sleep
  end
  [200, {}, ["yes"]]
end)
`,
  );
  const running = await start(program("puma"), ["-C", folder.file("puma.rb"), folder.file("config.ru")], {
    cwd: folder.path,
    stopSignal: "SIGTERM",
    stopDeadlineMs: 5000,
  });
  await until("puma's first answer", async () => (await fetch(`http://127.0.0.1:${port}/`)).ok);
  return { ...running, port, pidfile };
}

function workersOf({ pid }: Puma) {
  return until("both workers", async () => {
    const found = await childrenOf(pid);
    return found.length === 2 && found;
  });
}

async function visit(port: number, path: string): Promise<AsyncDisposable & { readonly socket: Socket }> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return { socket, [Symbol.asyncDispose]: async () => void socket.destroy() };
}
