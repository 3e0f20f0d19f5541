import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { memorySchema } from "../../src/agent/memory.ts";
import type { SettingStatus, Status } from "../../src/report/status.ts";
import { HOSTS, JAIL, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { startPostgres } from "../world/postgres.ts";
import { until } from "../world/until.ts";

const MAILHOST = "mastodon/settings/MAILHOST";

test("what a hold keeps out is asked for and not in force, and the hold that keeps it out is named with its key", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/nodes/jail1/control/hold", "moving the mail");
  await consul.put(MAILHOST, "smtp2.example.org");
  const hold = { kind: "hold", keys: ["mastodon/nodes/jail1/control/hold"], reason: "moving the mail" };
  const setting = await waitingSetting(agent, "MAILHOST", "hold");
  expect(setting).toMatchObject({
    in_force: { level: "environment", value: "smtp.example.org", where: "MAILHOST", index: null },
    values: [{ level: "shared", value: "smtp2.example.org", where: MAILHOST }, { level: "environment" }],
    waiting: hold,
    refused: [],
  });
  expect((await agent.status()).next_change).toEqual({
    cause: expect.stringMatching(/^MAILHOST from mastodon\/settings\/MAILHOST \(index \d+\)$/),
    waiting: hold,
  });
  const { output } = await cli(agent, ["explain", "MAILHOST"]);
  expect(output).toMatch(/^MAILHOST \(SMTP_SERVER\) = smtp\.example\.org, from environment: MAILHOST\n/);
  expect(output).toMatch(/^ {2}in force since /m);
  expect(output).toMatch(
    /^ {2}asked for: smtp2\.example\.org, from shared: mastodon\/settings\/MAILHOST \(index \d+\)$/m,
  );
  expect(output).toMatch(
    /^ {2}it is waiting for the end of the hold "moving the mail": `consul kv delete mastodon\/nodes\/jail1\/control\/hold`$/m,
  );
  expect(output).toMatch(/^ {2}> shared +smtp2\.example\.org /m);
  expect(output).toMatch(/^ {2}\* environment +smtp\.example\.org +MAILHOST$/m);
  expect((await cli(agent, ["explain"])).output).toMatch(
    /^MAILHOST +smtp\.example\.org +[\d:]+ +environment: MAILHOST\n {2}asked for +smtp2\.example\.org +waits +shared: /m,
  );
  expect((await cli(agent, ["status"])).output).toMatch(
    /^next change +MAILHOST from .*; it is waiting for the end of the hold/m,
  );

  await consul.delete("mastodon/nodes/jail1/control/hold");
  const applied = await inForce(agent, "MAILHOST", "smtp2.example.org");
  expect(applied).toMatchObject({ in_force: { level: "shared", where: MAILHOST }, waiting: null });
  expect((await agent.converged()).next_change).toBeNull();
});

test("what waits for its distance from the last reload says until when", async () => {
  await using consul = await startConsul();
  const config = { reload: { min_interval: "1h" } };
  await using agent = await startAgent({ consul, environment: HOSTS, config });
  await agent.converged();
  const earliest = Date.now();
  await consul.put(MAILHOST, "smtp2.example.org");
  const { in_force: before, waiting } = await waitingSetting(agent, "MAILHOST", "interval");
  expect(before?.value).toBe("smtp.example.org");
  const untilMs = Date.parse(waiting?.kind === "interval" ? waiting.until : "");
  expect(untilMs).toBeGreaterThan(earliest + 3_500_000);
  expect(untilMs).toBeLessThan(Date.now() + 3_601_000);
  const { state, reason } = await agent.status();
  expect([state, reason]).toEqual([
    "applying",
    expect.stringMatching(/^a change is waiting until \d\d:\d\d:\d\d UTC, to keep reload\.min_interval/),
  ]);
});

test("what is deleted under a hold is still in force, and no value is asked for", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/env/LOG_LEVEL", "debug");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/control/hold", "wait");
  await consul.delete("mastodon/env/LOG_LEVEL");
  const setting = await waitingSetting(agent, "LOG_LEVEL", "hold");
  expect(setting).toMatchObject({
    in_force: { value: "debug", where: "mastodon/env/LOG_LEVEL" },
    values: [],
  });
  const { output } = await cli(agent, ["explain", "LOG_LEVEL"]);
  expect(output).toMatch(/^LOG_LEVEL = debug, from shared: mastodon\/env\/LOG_LEVEL/);
  expect(output).toMatch(/^ {2}asked for: no value$/m);
});

test("a connection that fails its probe says so at the setting at fault and at its neighbours, each source once, and shows no password", async () => {
  await using consul = await startConsul();
  await using postgres = await startPostgres();
  await using agent = await startAgent({
    consul,
    environment: {
      ...HOSTS,
      DBHOST: postgres.host,
      DBPORT: String(postgres.port),
      DBUSER: postgres.user,
      DBPASS: postgres.password,
      DBNAME: postgres.database,
    },
    config: { dependencies: { ...UNPROBED, postgres: { probe: true } } },
  });
  await agent.converged();
  await consul.put("mastodon/settings/DBPASS", "not-the-password");
  await consul.put("mastodon/settings/MAILPORT", "587");
  await inForce(agent, "MAILPORT", "587");
  const atFault = await until("the probe", async () => {
    const setting = settingIn(await agent.status(), "DBPASS");
    return setting?.waiting?.kind === "probe" && setting.waiting.reason !== null && setting;
  });
  const wait = { kind: "probe", dependency: "postgres", host: postgres.host, port: postgres.port };
  expect(atFault).toMatchObject({
    in_force: { level: "environment", value: "[redacted]", where: "DBPASS" },
    values: [
      { level: "shared", value: "[redacted]", where: "mastodon/settings/DBPASS" },
      { level: "environment", value: "[redacted]" },
    ],
    waiting: { ...wait, reason: expect.stringContaining("password") },
    refused: [],
  });
  expect(settingIn(await agent.status(), "DBHOST")).toMatchObject({
    waiting: null,
    refused: [expect.stringMatching(/^postgres: .* is not used, because it .*password/)],
    values: [{ level: "environment" }],
  });
  expect((await agent.status()).next_change).toMatchObject({
    cause: expect.stringMatching(/^DBPASS from mastodon\/settings\/DBPASS/),
    waiting: wait,
  });
  const { output } = await cli(agent, ["explain", "DB_PASS"]);
  expect(output).toMatch(/^DBPASS \(DB_PASS\) = \[redacted\], from environment: DBPASS\n/);
  expect(output).toMatch(
    /^ {2}asked for: \[redacted\] \(a different one\), from shared: mastodon\/settings\/DBPASS/m,
  );
  expect(output).toMatch(/^ {2}it is waiting until Mastodon can work with postgres at .*, which .*password/m);
  expect(output.match(/^ +[*>]? ?(environment|shared) /gm)).toHaveLength(2);
  expect(output).toMatch(/^ {2}> shared +\[redacted\]/m);
  const page = await (await fetch(agent.url)).text();
  for (const text of [output, page, JSON.stringify(await agent.status())]) {
    expect(text).not.toContain("not-the-password");
    expect(text).not.toContain(postgres.password);
  }
}, 60_000);

test("what was put back says why, and until something else is put the old value is in force", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (folder) => ({
      units: { web: { reload: [{ run: ["sh", "-c", `! grep -q 1313 ${folder}/.env.production`] }] } },
    }),
  });
  await agent.converged();
  await consul.put("mastodon/settings/MAILPORT", "1313");
  const setting = await waitingSetting(agent, "MAILPORT", "rejected");
  expect(setting.in_force?.value).toBe("25");
  expect((await cli(agent, ["explain", "MAILPORT"])).output).toMatch(
    /^ {2}it was tried and rolled back, and is not retried until something else is put: .*web/m,
  );
});

test("a refused value is shown at its setting, whatever its key, in the status and on the page", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/settings/DBPORT", "many");
  await consul.put("mastodon/env/DB_HOST", "10.1.1.1");
  const refused = await until("both refusals", async () => {
    const status = await agent.status();
    const all = ["DBPORT", "DBHOST"].map((name) => settingIn(status, name)?.refused ?? []);
    return all.every(({ length }) => length === 1) && all.flat();
  });
  expect(refused).toEqual([
    expect.stringMatching(/^mastodon\/settings\/DBPORT: the value is not acceptable.*Example: 5432$/),
    expect.stringMatching(/^mastodon\/env\/DB_HOST: DB_HOST is fed by the setting DBHOST.*settings\/DBHOST/),
  ]);
  const page = await (await fetch(agent.url)).text();
  expect(page).toMatch(
    /data-key="setting DBPORT">[\s\S]*?Refused: mastodon\/settings\/DBPORT[\s\S]*?<\/details>/,
  );
});

test("before the first apply nothing is in force, and what is missing is what all of it waits for", async () => {
  await using consul = await startConsul();
  const { DBHOST: _, ...others } = HOSTS;
  await using agent = await startAgent({ consul, environment: others });
  const setting = await waitingSetting(agent, "MAILHOST", "missing");
  expect(setting).toMatchObject({ in_force: null, since: null, waiting: { settings: ["DBHOST"] } });
  expect((await cli(agent, ["explain", "MAILHOST"])).output).toMatch(
    /^MAILHOST \(SMTP_SERVER\) is not in force yet\n {2}asked for: smtp\.example\.org, from environment: MAILHOST\n {2}it is waiting until some source has DBHOST$/m,
  );
});

test("with no agent that could apply it, explain says so", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await agent.stop();
  await consul.put(MAILHOST, "smtp2.example.org");
  const { output } = await cli(agent, ["explain", "MAILHOST", "--json"]);
  expect(JSON.parse(output)).toEqual([
    expect.objectContaining({
      in_force: expect.objectContaining({ value: "smtp.example.org", where: "MAILHOST" }),
      waiting: { kind: "agent", url: `${agent.url}/status` },
    }),
  ]);
  expect((await cli(agent, ["explain", "DBPASS"])).output).not.toContain(JAIL.DBPASS);
});

test("a state of an older version, which has no provenance, is read and shown as far as it goes", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await agent.stop();
  await forgetProvenance(agent);
  await consul.put(MAILHOST, "smtp2.example.org");
  await consul.put("mastodon/control/hold", "wait");
  await agent.start();
  const setting = await waitingSetting(agent, "MAILHOST", "hold");
  expect(setting.in_force).toEqual({ level: null, value: "smtp.example.org", where: null, index: null });
  expect(settingIn(await agent.status(), "MAILUSER")?.in_force).toMatchObject({ where: "MAILUSER" });
  expect((await cli(agent, ["explain", "MAILHOST"])).output).toMatch(
    /^MAILHOST .* = smtp\.example\.org, from \(not known\)$/m,
  );
});

function settingIn(status: Status, name: string): SettingStatus | undefined {
  return status.settings.find((setting) => setting.name === name);
}

function waitingSetting(agent: TestAgent, name: string, kind: string): Promise<SettingStatus> {
  return until(`${name} to wait for its ${kind}`, async () => {
    const setting = settingIn(await agent.status(), name);
    if (setting?.waiting?.kind === kind) return setting;
    throw new Error(JSON.stringify(setting));
  });
}

function inForce(agent: TestAgent, name: string, value: string): Promise<SettingStatus> {
  return until(`${name} to be in force`, async () => {
    const setting = settingIn(await agent.status(), name);
    return setting?.in_force?.value === value && setting;
  });
}

async function forgetProvenance({ folder }: TestAgent): Promise<void> {
  const file = path.join(folder, "state", "state.json");
  const memory = memorySchema.parse(JSON.parse(await readFile(file, "utf8")));
  const since = Object.entries(memory.since).map(([name, { from: _, ...known }]) => [name, known]);
  await writeFile(file, JSON.stringify({ ...memory, since: Object.fromEntries(since) }));
}
