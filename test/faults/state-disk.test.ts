/** The disk of the state is full, and nothing of it is Mastodon's fault. */
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memorySchema } from "../../src/agent/memory.ts";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { mayMount, type SmallDisk, smallDisk } from "./fixtures/small-disk.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

// Where nothing can be mounted there is no small disk to fill.
if (mayMount()) {
  test("while the state disk is full a failover goes through and a routine change waits; both are remembered once there is room", async () => {
    await using disk = await smallDisk();
    const [first, second] = await pair("failover");
    await using agent = await startOn(disk, "failover");
    await agent.converged();

    await disk.fill();
    await consul.put("failover/settings/MAILPORT", "587");
    await until("the routine change to wait", async () => {
      const { state, reason, problems } = await agent.status();
      expect(state).toBe("failed");
      expect(reason).toMatch(/^\S+\/state: .*no space left/);
      expect(problems.map(({ code }) => code)).toContain("state_not_written");
      return true;
    });
    expect((await agent.variables())["SMTP_PORT"]).toBe("25");
    await consul.setCheck(first, "critical");
    await until("the failover", async () => (await agent.variables())["DB_HOST"] === second.address);
    expect((await agent.variables())["SMTP_PORT"], "still to come").toBe("25");
    expect((await memoryOn(disk)).endpoints["postgres"]?.host, "on disk").toBe(first.address);

    await disk.makeRoom();
    await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
    expect((await agent.converged()).problems).toEqual([]);
    expect((await memoryOn(disk)).endpoints["postgres"]?.host, "on disk").toBe(second.address);
    expect(await causes(agent)).toEqual([
      "first apply",
      expect.stringMatching(/^DBHOST from service/),
      expect.stringMatching(/^MAILPORT/),
    ]);
  });

  test("a failover that could not be remembered is written as soon as there is room, even if nothing else happens", async () => {
    await using disk = await smallDisk();
    const [first, second] = await pair("alone");
    await using agent = await startOn(disk, "alone");
    await agent.converged();
    await disk.fill();
    await consul.setCheck(first, "critical");
    await until("the failover", async () => (await agent.variables())["DB_HOST"] === second.address);
    const { reason } = await until("the headline", async () => {
      const status = await agent.status();
      return status.state === "degraded" && status;
    });
    expect(reason).toContain(path.join(disk.path, "state"));
    await disk.makeRoom();
    await agent.converged();
    expect((await memoryOn(disk)).endpoints["postgres"]?.host).toBe(second.address);
    expect((await causes(agent)).at(-1)).toMatch(/^DBHOST from service/);
    await until("no problem", async () => (await agent.status()).problems.length === 0);
  });

  test("an agent killed before it could remember a failover has its units reread the file when the next change leads back", async () => {
    await using disk = await smallDisk();
    const [first, second] = await pair("killed");
    await using agent = await startOn(disk, "killed");
    await agent.converged();
    await disk.fill();
    await consul.setCheck(first, "critical");
    await until("the failover", async () => (await agent.variables())["DB_HOST"] === second.address);
    await until("its end", async () => (await agent.status()).state === "degraded");
    agent.signal("SIGKILL");
    await agent.exited();
    await disk.makeRoom();
    await consul.setCheck(first, "passing");
    await consul.setCheck(second, "critical");
    const before = (await agent.reloads()).length;
    await agent.start();
    await until("the old primary", async () => (await agent.variables())["DB_HOST"] === first.address);
    await agent.converged();
    expect((await agent.reloads()).slice(before).toSorted()).toEqual(["sidekiq", "streaming", "web"]);
  });

  test("an agent restarted without Consul leaves the files of an unremembered failover alone, and starts units that are down", async () => {
    await using disk = await smallDisk();
    await using alone = await startConsul();
    const [first, second] = await pair("blind", alone);
    await using agent = await startOn(disk, "blind", alone, (folder) => ({
      web: {
        reload: [{ run: ["true"] }],
        start: [{ touch: path.join(folder, "web.up") }],
        health: { run: ["test", "-e", path.join(folder, "web.up")], timeout: "5s" },
      },
    }));
    const up = path.join(agent.folder, "web.up");
    await agent.converged();
    await disk.fill();
    await alone.setCheck(first, "critical");
    await until("the failover", async () => (await agent.variables())["DB_HOST"] === second.address);
    await until("its end", async () => (await agent.status()).state === "degraded");
    agent.signal("SIGKILL");
    await agent.exited();
    await alone.stop();
    await disk.makeRoom();
    await rm(up);
    await agent.start();
    await until("the look", async () => (await agent.status()).reason.includes("newer than the state"));
    await until("the unit to be started", () => existsSync(up));
    expect((await agent.variables())["DB_HOST"]).toBe(second.address);
    await alone.start();
    await agent.converged();
    expect((await agent.variables())["DB_HOST"]).toBe(second.address);
    expect((await memoryOn(disk)).endpoints["postgres"]?.host).toBe(second.address);
  });

  test("an agent starts on a full disk, and follows a failover", async () => {
    await using disk = await smallDisk();
    const [first, second] = await pair("start");
    await using agent = await startOn(disk, "start");
    await agent.converged();
    await agent.stop();
    await disk.fill();
    await agent.start();
    await until("the agent to have looked", async () =>
      /converged|degraded/.test((await agent.status()).state),
    );
    await consul.setCheck(first, "critical");
    await until("the failover", async () => (await agent.variables())["DB_HOST"] === second.address);
    agent.signal("SIGHUP");
    await until("the configuration to be read again", () => count(agent, "agent started") === 2);
    await until("the status", async () => (await agent.status()).state === "degraded");
    await disk.makeRoom();
    await agent.converged();
  });
}

/** Of Postgres, both passing; the first is in use. */
async function pair(site: string, catalogue = consul) {
  const first = {
    id: `${site}-pg1`,
    node: `${site}-db1`,
    service: site,
    address: "10.0.0.1",
    port: 5432,
  } as const;
  const second = { ...first, id: `${site}-pg2`, node: `${site}-db2`, address: "10.0.0.2" } as const;
  await catalogue.register({ ...first, status: "passing" });
  await catalogue.register({ ...second, status: "passing" });
  return [first, second] as const;
}

/** Keys are pinned by domain, so each agent on this Consul has its own. */
function startOn(
  disk: SmallDisk,
  site: string,
  catalogue = consul,
  units?: (folder: string) => object,
): Promise<TestAgent> {
  const { DBHOST: _, ...hosts } = HOSTS;
  const unprobed = { probe: false };
  return startAgent({
    consul: catalogue,
    environment: { ...hosts, DOMAIN: `${site}.example.org` },
    config: (folder) => ({
      watch: { prefix: site },
      ...(units && { units: units(folder) }),
      dependencies: { postgres: { service: site, probe: false }, redis: unprobed, s3: unprobed },
      paths: { keys: path.join(folder, "keys"), state: path.join(disk.path, "state"), mastodon: folder },
    }),
  });
}

async function memoryOn(disk: SmallDisk) {
  return memorySchema.parse(JSON.parse(await readFile(path.join(disk.path, "state", "state.json"), "utf8")));
}

/** Of what was applied. */
async function causes(agent: TestAgent): Promise<readonly string[]> {
  return (await agent.history()).filter(({ outcome }) => outcome === "applied").map(({ cause }) => cause);
}

function count(agent: TestAgent, text: string): number {
  return agent.output().split(text).length - 1;
}
