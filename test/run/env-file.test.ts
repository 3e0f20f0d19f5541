import { chmod, chown, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { AGENT, HOSTS, JAIL, startAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

const NOBODY = 65_534;

/** As pot leaves them in a variable that is not set: nothing of the jail's parameters is in the process. */
const NOTHING = Object.fromEntries(Object.keys({ ...JAIL, ...HOSTS }).map((name) => [name, ""]));

test("runs on nothing but the file that pot writes, and rereads it on SIGHUP if it is good", async () => {
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
  const { problems } = await agent.status();
  expect(problems).toMatchObject([{ code: "configuration_refused", about: potFile(agent.folder) }]);
  expect(problems[0]?.message).toMatch(/environment\.sh:1: not a line/);
  expect(agent.output() + JSON.stringify(problems)).not.toContain("hunter2");
  expect((await agent.variables())["DB_HOST"]).toBe("10.9.9.7");
});

test("an exported variable wins over the file, and explain says which of the two it is", async () => {
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

test("every command finds the environment that the configuration names, and says which file it read", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: NOTHING,
    prepare: (folder) => writePotFile(folder, { ...JAIL, ...HOSTS }),
    config: (folder) => ({ environment: potFile(folder) }),
  });
  await agent.converged();
  for (const [argv, expected] of [
    [["explain", "DBHOST"], /DBHOST \(.*\/environment\.sh:\d+\)/],
    [["check"], /\d+ ok, 0 to check, 0 wrong/],
    [["render"], /DB_HOST=10\.9\.9\.1/],
    [["keys", "show"], /^secret\.key +\w+ +0600 .*pinned$/m],
    [["kv", "diff"], /^DBHOST .*only in the environment/m],
    [["kv", "export"], /settings\/MAILHOST/],
  ] as const) {
    const { code, output } = await cli(agent, argv);
    expect(output, argv.join(" ")).toMatch(expected);
    expect(code, argv.join(" ")).toBe(0);
  }

  await writePotFile(agent.folder, { ...JAIL, NODENAME: "" });
  const incomplete = await cli(agent, ["check"]);
  expect(incomplete.output).toMatch(
    /^FAIL +configuration: NODENAME: not set .*Set NODENAME in \/\S+\/environment\.sh/,
  );
  await writePotFile(agent.folder, {});
  const empty = await cli(agent, ["keys", "verify"]);
  expect(empty.output, "one thing is wrong, not five").toMatch(
    /^mastodon-agent: DATACENTER, IP, NODENAME, CONSULSERVERS, GOSSIPKEY: not set; .*Set them in \/\S+\/environment\.sh\. .*\n$/,
  );
  await rm(potFile(agent.folder));
  const gone = await cli(agent, ["explain"]);
  expect(gone.output).toMatch(
    /^mastodon-agent: \S+\/environment\.sh: there is no such file, though `environment` in \S+\/agent\.yaml names it\./,
  );
  expect(gone.code).toBe(78);
});

// Only root gives files away, and becomes somebody else.
if (process.geteuid?.() === 0) {
  test("a user who may not read the environment learns who may, and nothing more", async () => {
    await using consul = await startConsul();
    await using agent = await startAgent({
      consul,
      environment: NOTHING,
      prepare: (folder) => writePotFile(folder, { ...JAIL, ...HOSTS }),
      config: (folder) => ({ environment: potFile(folder) }),
    });
    await chmod(agent.folder, 0o755);
    await chmod(agent.configFile, 0o644);
    await chown(potFile(agent.folder), 0, 1);
    await chmod(potFile(agent.folder), 0o640);
    const { code, output } = await cli(agent, ["explain", "DBHOST"], { uid: NOBODY });
    expect(output).toMatch(
      /^mastodon-agent: \S+\/environment\.sh: nobody may not read it \(owner root, group daemon, mode 0640\)\. Run this as root or as the agent's user: `sudo -u daemon mastodon-agent \.\.\.` \(on FreeBSD `doas -u daemon mastodon-agent \.\.\.`\)\.\n$/,
    );
    expect(code).toBe(78);
  });
}

function potFile(folder: string): string {
  return path.join(folder, "environment.sh");
}

async function writePotFile(folder: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(variables).map(
    ([name, value]) => `export "${name}=${value.replaceAll('"', '\\"')}"`,
  );
  await writeFile(potFile(folder), [...lines, "export _POT_NAME=jail1", ""].join("\n"), { mode: 0o600 });
}
