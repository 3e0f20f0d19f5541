import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { AGENT, HOSTS, JAIL, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

/** As pot leaves them in a variable that is not set: nothing of the jail's parameters is in the process. */
const NOTHING = Object.fromEntries(Object.keys({ ...JAIL, ...HOSTS }).map((name) => [name, ""]));

test("runs on nothing but the file that pot writes, and takes it anew on SIGHUP if it is good", async () => {
  await using consul = await startConsul();
  const given = { ...JAIL, ...HOSTS };
  await using agent = await startAgent({
    consul,
    environment: NOTHING,
    prepare: (folder) => writePotFile(folder, given),
    flags: (folder) => ["--environment", potFile(folder)],
  });
  await agent.converged();
  expect((await agent.variables())["DB_PASS"]).toBe(JAIL.DBPASS);

  await writePotFile(agent.folder, { ...given, DBHOST: "10.9.9.7", DBPASS: 'pa"$ss' });
  agent.signal("SIGHUP");
  await until("the new host", async () => (await agent.variables())["DB_HOST"] === "10.9.9.7");
  expect((await agent.variables())["DB_PASS"]).toBe('pa"$ss');

  await writeFile(potFile(agent.folder), 'export "DBHOST=10.9.9.8\nhunter2"\n');
  agent.signal("SIGHUP");
  await until("the refusal in the log", () => agent.output().includes("going on with the old one"));
  expect(agent.output()).toContain("environment.sh:1: not a line that the agent can read");
  expect(agent.output()).not.toContain("hunter2");
  expect((await agent.variables())["DB_HOST"]).toBe("10.9.9.7");
});

test("lets an exported variable win over the file, and explain says which of both it is", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: { ...NOTHING, NODENAME: "jail1", DBHOST: "10.9.9.5" },
    prepare: (folder) => writePotFile(folder, { ...JAIL, ...HOSTS, NODENAME: "jail2" }),
    flags: (folder) => ["--environment", potFile(folder)],
  });
  const { node, endpoints } = await agent.converged();
  expect(node).toBe("jail1");
  expect(endpoints["postgres"]).toMatchObject({ host: "10.9.9.5", source: "environment: DBHOST" });
  const argv = [
    AGENT,
    "explain",
    "REDISHOST",
    "--config",
    agent.configFile,
    "--environment",
    potFile(agent.folder),
  ];
  await using explain = await start(process.execPath, argv, {
    onlyEnv: { PATH: process.env["PATH"] ?? "", ...agent.environment },
  });
  expect((await explain.exited).code).toBe(0);
  expect(explain.output()).toMatch(/10\.9\.9\.2.*REDISHOST \(.*environment\.sh:\d+\)/);
});

function potFile(folder: string): string {
  return path.join(folder, "environment.sh");
}

async function writePotFile(folder: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(variables).map(
    ([name, value]) => `export "${name}=${value.replaceAll('"', '\\"')}"`,
  );
  await writeFile(potFile(folder), [...lines, "export _POT_NAME=jail1", ""].join("\n"), { mode: 0o600 });
}
