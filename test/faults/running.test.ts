import { readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { steadyMs } from "../../src/base/clock.ts";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

const CLOCK = new URL("fixtures/jumping-clock.mjs", import.meta.url).href;

test("a clock that jumps an hour ahead and back neither delays nor rushes anything", async () => {
  await using agent = await startAgent({
    consul,
    environment: { ...born("clock"), NODE_OPTIONS: `--import=${CLOCK}` },
    config: {
      watch: { prefix: "clock" },
      settle: { min: "50ms", max: "200ms" },
      reload: { min_interval: "500ms", fleet_lock: false },
    },
  });
  await agent.converged();
  const put = async (port: string) => {
    await consul.put("clock/settings/MAILPORT", port);
    await smtpPort(agent, port);
  };
  const hoursAhead = async () => {
    await put(String(2000 + (await agent.reloads()).length));
    const at = Date.parse((await agent.converged()).last_change?.at ?? "");
    return ((at - Date.now()) / 3_600_000).toFixed();
  };
  expect(await hoursAhead()).toMatch(/^-?0$/);
  agent.signal("SIGUSR2");
  expect(await hoursAhead()).toBe("1");
  agent.signal("SIGUSR2");
  expect(await hoursAhead()).toMatch(/^-?0$/);
  expect((await agent.status()).problems).toEqual([]);
});

test("the clock that times everything does not see the wall clock jump", () => {
  const before = steadyMs();
  using _jump = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
  expect(steadyMs() - before).toBeLessThan(60_000);
});

test("keys that are removed, emptied or changed while running change nothing, and a start without them is refused", async () => {
  await using agent = await startAgent({
    consul,
    environment: born("lost"),
    config: { watch: { prefix: "lost" } },
  });
  await agent.converged();
  const file = (name: string) => path.join(agent.folder, "keys", name);
  const before = keysIn(await agent.variables());
  await rm(file("secret.key"));
  await truncate(file("otp.key"));
  await writeFile(file("vapid.keys"), "VAPID_PRIVATE_KEY=another\n");
  await consul.put("lost/settings/MAILPORT", "587");
  await smtpPort(agent, "587");
  expect(keysIn(await agent.variables())).toEqual(before);
  await expect(stat(file("secret.key"))).rejects.toThrow(/ENOENT/);
  expect(await readFile(file("otp.key"), "utf8")).toBe("");
  await agent.stop();
  await agent.start();
  expect((await agent.exited()).code).toBe(78);
  expect(keysIn(await agent.variables())).toEqual(before);
});

const RELOADS = [
  {
    fault: "hangs",
    steps: (bad: string) => ({ reload: [run(`! ${bad} || sleep 60`, "500ms")] }),
    says: /still running after 0.5s/,
  },
  { fault: "fails", steps: (bad: string) => ({ reload: [run(`! ${bad}`)] }), says: /exit code 1/ },
  {
    fault: "succeeds but leaves the unit unhealthy",
    steps: (bad: string) => ({
      reload: [run("true")],
      health: { run: ["sh", "-c", `! ${bad}`], timeout: "1s" },
    }),
    says: /not healthy/,
  },
];

test.each(RELOADS)(
  "a reload that $fault is rolled back, reported, and no obstacle to the next change",
  async ({ fault, steps, says }) => {
    const prefix = fault.split(" ")[0] ?? "";
    await using agent = await startAgent({
      consul,
      environment: born(prefix),
      config: (folder) => ({
        watch: { prefix },
        reload: { min_interval: "0ms", fleet_lock: false },
        units: { web: steps(`grep -q SMTP_PORT=666 ${path.join(folder, ".env.production")}`) },
      }),
    });
    await agent.converged();
    const before = await readFile(agent.envFile, "utf8");
    await consul.put(`${prefix}/settings/MAILPORT`, "666");
    await until("the reason", async () =>
      (await agent.status()).problems.some(
        ({ code, message }) => code === "change_put_back" && says.test(message),
      ),
    );
    expect(await readFile(agent.envFile, "utf8")).toBe(before);
    await consul.put(`${prefix}/settings/MAILPORT`, "587");
    await smtpPort(agent, "587");
    await agent.converged();
  },
);

test("a jail that starts while its newest settings are rejected starts its units with the last good ones", async () => {
  await using stack = new AsyncDisposableStack();
  const agent = stack.use(await startAgent({ consul, environment: born("boot"), config: unitThatIsStarted }));
  const daemon = async () => Number(await readFile(path.join(agent.folder, "web.pid"), "utf8"));
  stack.defer(async () => void process.kill(await daemon()));
  await agent.converged();
  const [before, first] = [await readFile(agent.envFile, "utf8"), await daemon()];
  await consul.put("boot/settings/MAILPORT", "666");
  await until("the change to be put back", async () =>
    (await agent.status()).problems.some(({ code }) => code === "change_put_back"),
  );
  await agent.stop();
  process.kill(first);
  await agent.start();
  await until("the unit to be started", async () => (await daemon()) !== first);
  expect(await readFile(agent.envFile, "utf8")).toBe(before);
  await consul.put("boot/settings/MAILPORT", "587");
  await smtpPort(agent, "587");
  await agent.converged();
});

function unitThatIsStarted(folder: string) {
  const [env, pidfile] = [path.join(folder, ".env.production"), path.join(folder, "web.pid")];
  const isGood = `! grep -q SMTP_PORT=666 ${env}`;
  return {
    watch: { prefix: "boot" },
    reload: { min_interval: "0ms", fleet_lock: false },
    units: {
      web: {
        reload: [run(isGood)],
        start: [run(`${isGood} && { sleep 600 > /dev/null 2>&1 & echo $! > ${pidfile}; }`)],
        health: { pidfile, timeout: "5s" },
      },
    },
  };
}

/** Keys are pinned by domain, so each agent on this Consul has its own. */
function born(prefix: string) {
  return { ...HOSTS, DOMAIN: `${prefix}.example.org` };
}

function run(script: string, timeout = "30s") {
  return { run: ["sh", "-c", script], timeout };
}

function keysIn(variables: Readonly<Record<string, string>>) {
  return Object.entries(variables).filter(([name]) => /SECRET|OTP|VAPID|ENCRYPTION/.test(name));
}

async function smtpPort(agent: TestAgent, port: string): Promise<void> {
  await until(`port ${port}`, async () => (await agent.variables())["SMTP_PORT"] === port);
}
