import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";
import { mayMount, smallDisk } from "./fixtures/small-disk.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a state directory that cannot be created is refused at the start, with its cure", async () => {
  await using agent = await startAgent({
    consul,
    environment: born("file"),
    config: (folder) => ({
      paths: {
        keys: path.join(folder, "keys"),
        mastodon: folder,
        state: path.join(folder, "taken", "state"),
        certificates: folder,
      },
    }),
    prepare: (folder) => writeFile(path.join(folder, "taken"), "a file\n"),
  });
  expect((await agent.exited()).code).toBe(78);
  expect(agent.output()).toMatch(/taken\/state: the state directory cannot be used.*Make it a directory/);
});

// Where nothing can be mounted there is no small disk to fill.
if (mayMount()) {
  test("a full disk leaves the old file whole and is reported with its cure, and the change is made when there is room", async () => {
    await using disk = await smallDisk();
    const file = path.join(disk.path, "env.production");
    await using agent = await startAgent({
      consul,
      environment: born("full"),
      config: {
        watch: { prefix: "full" },
        files: { env: { template: "env.production.hbs", path: file, mode: "0640" } },
      },
    });
    await agent.converged();
    const [before, reloads] = [await readFile(file, "utf8"), await agent.reloads()];
    await disk.fill();
    await consul.put("full/settings/MAILPORT", "587");
    await problem(agent, /cannot be written.*no space left.*Make room/i);
    expect(await readFile(file, "utf8")).toBe(before);
    expect((await readdir(disk.path)).sort()).toEqual(["ballast", "env.production"]);
    expect(await agent.reloads()).toEqual(reloads);
    await disk.makeRoom();
    await until("the put to apply", async () => (await readFile(file, "utf8")).includes("SMTP_PORT=587"));
    await agent.converged();
  });

  test("while there is no room to write the state nothing is changed, and the agent goes on when there is", async () => {
    await using disk = await smallDisk();
    await using agent = await startAgent({
      consul,
      environment: born("full-state"),
      config: stateOn(disk.path, "full-state"),
    });
    await agent.converged();
    const before = await readFile(agent.envFile, "utf8");
    await disk.fill();
    await consul.put("full-state/settings/MAILPORT", "587");
    await problem(agent, /no space left/i);
    expect(await readFile(agent.envFile, "utf8")).toBe(before);
    await disk.makeRoom();
    await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
    await agent.converged();
  });

  test("a state directory that turns read-only stops changes and nothing else; a start with one is refused", async () => {
    await using disk = await smallDisk();
    await using agent = await startAgent({
      consul,
      environment: born("ro"),
      config: stateOn(disk.path, "ro"),
    });
    await agent.converged();
    const before = await readFile(agent.envFile, "utf8");
    await disk.remount("ro");
    await consul.put("ro/settings/MAILPORT", "587");
    await problem(agent, /read-only file system/i);
    expect(await readFile(agent.envFile, "utf8")).toBe(before);
    await disk.remount("rw");
    await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
    await agent.converged();
    await agent.stop();
    await disk.remount("ro");
    await agent.start();
    expect((await agent.exited()).code).toBe(78);
    expect(agent.output()).toMatch(/state directory cannot be used.*storage that is writable/s);
    await disk.remount("rw");
  });
}

/** Keys are pinned by domain, so each agent on this Consul has its own. */
function born(prefix: string) {
  return { ...HOSTS, DOMAIN: `${prefix}.example.org` };
}

function stateOn(disk: string, prefix: string) {
  return (folder: string) => ({
    watch: { prefix },
    paths: { keys: path.join(folder, "keys"), state: path.join(disk, "state"), mastodon: folder },
  });
}

async function problem(agent: TestAgent, message: RegExp): Promise<void> {
  await until(`a problem ${message}`, async () => {
    const { problems } = await agent.status();
    if (problems.some((found) => message.test(found.message))) return true;
    throw new Error(JSON.stringify(problems));
  });
}
