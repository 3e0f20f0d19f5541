import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { AGENT, GOSSIP_KEY, HOSTS, JAIL, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { program } from "../world/programs.ts";
import { run, start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

/** All that a dotenv file, a shell or JSON could take for something else. */
const ODD_PASSWORD = `a$HOME & "b" \\c#`;
const BORN = { ...HOSTS, DBPASS: ODD_PASSWORD, MAILPORT: "587", S3UPNOSSL: "1", S3PORT: "9000" } as const;
const SECRETS = [GOSSIP_KEY, ODD_PASSWORD, JAIL.MAILPASS, JAIL.BUCKETPASS];
const SECRETS_IN_BASE64 = SECRETS.map((secret) => Buffer.from(secret).toString("base64"));

test("settings move to KV, the environment goes, and .env.production has the same bytes", async () => {
  await using consul = await startConsul();
  await consul.register(PRIMARY);
  await consul.put("mastodon/settings/BUCKETNAME", "media");
  await using agent = await startAgent({ consul, environment: BORN });
  await agent.converged();
  const before = await readFile(agent.envFile);
  const keysBefore = await run(program("consul"), [
    "kv",
    "export",
    `-http-addr=${consul.address}`,
    "mastodon/",
  ]);
  expect((await agent.variables())["DB_HOST"], "the catalogue decides").toBe(PRIMARY.address);

  const { file, stderr } = await exported(agent, "--secrets");
  expect(stderr).toMatch(/^left out: DATACENTER, IP, NODENAME, CONSULSERVERS, GOSSIPKEY: needed to reach/m);
  expect(stderr).toMatch(
    /^left out: DBHOST, REDISHOST, BUCKETHOST, BUCKETPORT, BUCKETSCHEME: left to the catalogue: .*failover.*--endpoints/m,
  );
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await consulImport(consul, file);
  expect(await consul.get("mastodon/settings/DBHOST")).toBeUndefined();
  const rows = await differences(agent);
  expect(rows["DBPASS"]).toMatchObject({ verdict: "same", applied: true });
  expect(rows["DBHOST"]).toMatchObject({ verdict: "only in environment", catalogue: "decides" });

  await consul.deleteRecursively("mastodon/settings/");
  const kept = path.join(agent.folder, "before.json");
  await writeFile(kept, keysBefore);
  await consulImport(consul, kept);
  const undone = await differences(agent);
  expect(undone["DBPASS"]).toMatchObject({ verdict: "only in environment", applied: true });
  expect(undone["BUCKETNAME"]).toMatchObject({ verdict: "only in kv", applied: true });
  await consulImport(consul, file);

  const { REDISHOST, BUCKETHOST, S3PORT, S3UPNOSSL } = BORN;
  await agent.stop();
  await agent.removeEnvFile();
  await agent.start({ ...nothingBut(JOIN), REDISHOST, BUCKETHOST, S3PORT, S3UPNOSSL });
  await until("the file to be written again", () => readFile(agent.envFile));
  expect(await readFile(agent.envFile)).toEqual(before);
  await consul.register({ ...PRIMARY, port: 6002 });
  await until("the move", async () => (await agent.variables())["DB_PORT"] === "6002");
});

test("with the endpoints in KV too, a restart needs only what it takes to reach Consul", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: BORN });
  await agent.converged();
  const before = await readFile(agent.envFile);
  const said = await piped(agent, consul, "--secrets", "--endpoints", "--node");
  expect(said.match(/^left out: .*$/gm)).toEqual([expect.stringMatching(/^left out: DATACENTER/)]);
  expect(await consul.get("mastodon/nodes/jail1/settings/BUCKETSCHEME")).toBe("http");

  await agent.stop();
  await agent.removeEnvFile();
  await agent.start(nothingBut(JOIN));
  await until("the file to be written again", () => readFile(agent.envFile));
  expect(await readFile(agent.envFile)).toEqual(before);
});

test("export prints no secret unless asked to, and its file replaces only a plain file", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: BORN });
  await consul.stop();
  const plain = await command(agent, "kv", "export");
  expect(plain.code, "Consul is not asked").toBe(0);
  expect(plain.output).toMatch(/^left out: MAILPASS, DBPASS, BUCKETPASS: secret; --secrets/m);
  for (const secret of [...SECRETS, ...SECRETS_IN_BASE64]) expect(plain.output).not.toContain(secret);
  const all = await command(agent, "kv", "export", "--secrets");
  expect(all.output).toContain(Buffer.from(ODD_PASSWORD).toString("base64"));
  const envFile = path.join(agent.folder, "jail.env");
  await writeFile(envFile, 'export "SINGLE_USER_MODE=true"\nexport "OTP_SECRET=a-pinned-key"\n', {
    mode: 0o600,
  });
  const idle = await command(agent, "kv", "export", "--environment", envFile);
  expect(idle.output).toMatch(/^left out: SINGLE_USER_MODE: .*put env\/NAME/m);
  expect(idle.output).toMatch(/^left out: OTP_SECRET: pinned keys/m);
  expect(idle.output).not.toContain("a-pinned-key");
  const refused = await command(agent, "kv", "export", "--out", agent.folder);
  expect([refused.code, refused.output]).toEqual([78, expect.stringMatching(/--out .*not a plain file.*/)]);
});

test("diff has a row for each name, with what is in force and what to do, and shows no secret", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILPORT", "26");
  await using agent = await startAgent({ consul, environment: BORN });
  await agent.converged();
  await agent.stop();
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await consul.put("mastodon/settings/DBPASS", ODD_PASSWORD);
  await consul.put("mastodon/settings/MAILPASS", "another-secret");
  await consul.put("mastodon/settings/MAILPORT", "many");
  await consul.put("mastodon/env/SINGLE_USER_MODE", "true");
  await consul.put("mastodon/settings/DBPASSS", "misplaced-secret");
  const { output, code } = await command(agent, "kv", "diff");
  expect(code).toBe(0);
  const row = (name: string) => output.split("\n").find((line) => line.startsWith(`${name} `));
  expect(row("MAILHOST")).toMatch(
    /smtp2\.example\.org +smtp\.example\.org +smtp\.example\.org +KV overrides the environment; not yet applied$/,
  );
  expect(row("DBPASS")).toMatch(
    /\[redacted\] +equal +equal +the same in both: it can be removed from the environment$/,
  );
  expect(row("MAILPASS")).toMatch(/\[redacted\] +different +different +KV overrides .*; not yet applied$/);
  expect(row("MAILPORT")).toMatch(/\(refused\) +587 +26 +refused: mastodon\/settings\/MAILPORT: .*stays/);
  expect(row("SINGLE_USER_MODE")).toMatch(/true +- +- +only in KV; not yet applied$/);
  expect(row("EMAIL")).toMatch(/- +admin@example\.org +admin@example\.org +only in the environment$/);
  expect(row("GOSSIPKEY")).toMatch(/- +\[redacted\] +equal +.*must stay/);
  expect(row("DBPASSS")).toMatch(/\(refused\) +- +- +refused: .*Did you mean DBPASS\?/);
  const { output: json } = await command(agent, "kv", "diff", "--json");
  const hidden = [...SECRETS, "another-secret", "misplaced-secret"];
  for (const secret of hidden) expect(output + json).not.toContain(secret);
});

test("diff warns if KV overrides the catalogue, and works while Consul is away", async () => {
  await using consul = await startConsul();
  await consul.register(PRIMARY);
  await consul.put("mastodon/settings/DBHOST", HOSTS.DBHOST);
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const { output } = await command(agent, "kv", "diff");
  expect(output).toMatch(/^DBHOST .*same in both: .*; KV overrides the catalogue: no failover is followed$/m);
  await consul.stop();
  const away = await command(agent, "kv", "diff");
  expect(away.code).toBe(0);
  expect(away.output).toMatch(/^Consul was not asked .*these are the last known good settings/m);
  expect(away.output).toMatch(/^DBHOST .*same in both/m);
});

const PRIMARY = {
  id: "pg1",
  node: "db-node",
  service: "postgresql",
  address: "10.9.9.7",
  port: 6001,
} as const;

const JOIN = ["DATACENTER", "IP", "NODENAME", "CONSULSERVERS", "GOSSIPKEY"];

/** An empty variable counts as unset. */
function nothingBut(names: readonly string[]): Record<string, string> {
  const gone = Object.keys({ ...JAIL, ...BORN }).filter((name) => !names.includes(name));
  return Object.fromEntries(gone.map((name) => [name, ""]));
}

async function exported(agent: TestAgent, ...flags: string[]) {
  const file = path.join(agent.folder, "settings.json");
  await writeFile(file, "an older file", { mode: 0o644 });
  const { output, code } = await command(agent, "kv", "export", ...flags, "--out", file);
  expect(code, output).toBe(0);
  for (const secret of [...SECRETS, ...SECRETS_IN_BASE64]) expect(output).not.toContain(secret);
  return { file, stderr: output };
}

/** As one types it: what is said goes to standard error, so that standard output is nothing but JSON. */
async function piped(agent: TestAgent, consul: ConsulServer, ...flags: string[]): Promise<string> {
  const script = '"$0" "$1" kv export --config "$2" $3 | "$4" kv import -http-addr="$5" -';
  const argv = [
    process.execPath,
    AGENT,
    agent.configFile,
    flags.join(" "),
    program("consul"),
    consul.address,
  ];
  const env = { PATH: process.env["PATH"] ?? "", ...agent.environment };
  await using running = await start("sh", ["-c", script, ...argv], { onlyEnv: env });
  expect((await running.exited).code, running.output()).toBe(0);
  return running.output();
}

async function consulImport(consul: ConsulServer, file: string): Promise<void> {
  await run(program("consul"), ["kv", "import", `-http-addr=${consul.address}`, `@${file}`]);
}

async function differences(
  agent: TestAgent,
): Promise<Record<string, { readonly verdict: string; readonly applied: boolean }>> {
  const { output } = await command(agent, "kv", "diff", "--json");
  const rows: readonly { name: string; verdict: string; applied: boolean }[] = JSON.parse(output);
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}

async function command(
  agent: TestAgent,
  ...argv: string[]
): Promise<{ output: string; code: number | null }> {
  const env = { PATH: process.env["PATH"] ?? "", ...agent.environment };
  await using running = await start(process.execPath, [AGENT, ...argv, "--config", agent.configFile], {
    onlyEnv: env,
  });
  const { code } = await running.exited;
  return { output: running.output(), code };
}
