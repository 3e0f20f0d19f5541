import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type Change, changeSchema } from "../../src/report/change.ts";
import { STAGES } from "../../src/report/metrics-labels.ts";
import { Journal } from "../../src/state/journal.ts";
import { AGENT, HOSTS, JAIL, startAgent, type TestAgent } from "../world/agent.ts";
import { cli, onTerminal, startCli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

test("history lists the changes, newest last, even while agent and Consul are down", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await put("MAILHOST", "smtp2.example.org");
  await put("DBPASS", "another-secret-1");
  await agent.stop();
  await consul.stop();

  const plain = await cli(agent, ["history"]);
  expect(plain.code).toBe(0);
  const [first, second, third] = plain.output.trimEnd().split("\n");
  expect(first).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}applied +\d+(\.\d)? m?s {2}first apply; /);
  expect(second).toMatch(
    / MAILHOST from mastodon\/settings\/MAILHOST \(index \d+\); (web|sidekiq), (web|sidekiq)$/,
  );
  expect(third).toContain("DBPASS from mastodon/settings/DBPASS");

  const verbose = await cli(agent, ["history", "--verbose", "--name", "SMTP_SERVER"]);
  expect(verbose.output).toMatch(
    /^ {2}MAILHOST +smtp\.example\.org -> smtp2\.example\.org {2}\(mastodon\/settings\/MAILHOST, index \d+\)$/m,
  );
  expect(verbose.output).toMatch(/^ {2}took .*stage .*reload (web|sidekiq) \d+/m);
  expect(verbose.output).not.toContain("DBPASS from mastodon");
  for (const secret of ["another-secret-1", JAIL.DBPASS])
    expect((await cli(agent, ["history", "--verbose"])).output).not.toContain(secret);

  const found = changeSchema.array().parse(await json("--limit", "2"));
  expect(found.map(({ values }) => values.map(({ name }) => name))).toEqual([["MAILHOST"], ["DBPASS"]]);
  const timed = STAGES.filter((stage) => !["gate", "interval", "retry"].includes(stage));
  expect([...new Set(found[0]?.spans.map(({ stage }) => stage))], "where the time went").toEqual(timed);
  expect(await json("--since", "1h")).toHaveLength(3);
  expect(await json("--until", "2020-01-01")).toEqual([]);
  expect(await json("--outcome", "failed")).toEqual([]);
  expect(await json("--unit", "streaming", "--name", "DB_PASS")).toHaveLength(2);
  expect(await json("--unit", "streaming", "--name", "MAILHOST")).toHaveLength(1);
  expect(await json("--name", "postgres")).toHaveLength(1);

  const shown = await onTerminal(agent, ["history"]);
  expect(shown.output).toContain("\x1b[32mapplied\x1b[39m");

  async function put(name: string, value: string): Promise<void> {
    const before = (await changes(agent)).length;
    await consul.put(`mastodon/settings/${name}`, value);
    await until("one change more", async () => (await changes(agent)).length > before);
  }

  async function json(...flags: string[]): Promise<unknown> {
    // What is said about nothing found goes to the other stream.
    const { output } = await cli(agent, ["history", "--json", ...flags]);
    return JSON.parse(output.replace(/^there are changes, but.*$/m, ""));
  }
});

test("history --follow prints each change as it comes, for people and for scripts, and ends on Ctrl-C", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await using reading = await startCli(agent, ["history", "--follow"]);
  await using selecting = await startCli(agent, [
    "history",
    "--follow",
    "--json",
    "--name",
    "MAILPORT",
    "--limit",
    "1",
  ]);
  for (const running of [reading, selecting])
    await until("what is on record", () => running.output().includes("first apply"));
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the change", () => reading.output().includes("MAILPORT from mastodon/settings/MAILPORT"));
  await consul.put("mastodon/settings/DBPORT", "6432");
  await until("the next change", () => reading.output().includes("DBPORT from mastodon/settings/DBPORT"));
  expect(reading.output().match(/first apply/g), "nothing is told twice").toHaveLength(1);
  await until("the one that is asked for", () => selecting.output().match(/\n/g)?.length === 2);
  const found = selecting
    .output()
    .trimEnd()
    .split("\n")
    .map((line) => changeSchema.parse(JSON.parse(line)));
  expect(found.map(({ cause }) => cause)).toEqual(["first apply", expect.stringContaining("MAILPORT from")]);
  for (const running of [reading, selecting]) {
    running.signal("SIGINT");
    expect((await running.exited).code).toBe(0);
  }
});

test("history --follow waits if nothing is recorded yet, and outlives the journal's rotation", async () => {
  await using folder = await temporaryFolder();
  const config = folder.file("agent.yaml");
  const state = folder.file("state");
  await writeFile(config, JSON.stringify({ profile: "none", paths: { state } }));
  const argv = [AGENT, "history", "--follow", "--json", "--config", config];
  await using following = await start(process.execPath, argv);
  await until("a word about it", () => following.output().includes("no changes recorded"));
  await mkdir(state);
  // Small enough to be turned at every second entry.
  const journal = new Journal<Change>(state, { limitBytes: 1000 });
  const causes = ["one", "two", "three", "four", "five"];
  for (const [at, cause] of causes.entries()) {
    await journal.append(changeOf(cause, at));
    await until(cause, () => following.output().includes(`"cause":"${cause}"`));
  }
  const told = [...following.output().matchAll(/"cause":"(\w+)"/g)].map(([, cause]) => cause);
  expect(told).toEqual(causes);
  following.signal("SIGTERM");
  expect((await following.exited).code).toBe(0);
});

function changeOf(cause: string, second: number): Change {
  return {
    at: new Date(second * 1000).toISOString(),
    cause,
    outcome: "applied",
    problem: null,
    urgent: false,
    values: [],
    endpoints: [],
    units: [],
    actions: [],
    wrote: [],
    restored: [],
    duration_ms: 1,
    spans: [],
    desired: null,
  };
}

test("a change that was rolled back says so, with its reason", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (folder) => ({
      units: {
        web: { reload: [{ run: ["sh", "-c", `! grep -q SMTP_PORT=587 ${folder}/.env.production`] }] },
      },
    }),
  });
  await agent.converged();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the failure on record", async () => (await changes(agent)).length > 1);
  const { output } = await cli(agent, ["history", "--outcome", "put_back", "--verbose"]);
  expect(output).toMatch(/ put_back .*MAILPORT from .*\n {2}problem +.*unit web: step 1 of 1/);
});

test("an argument that is not understood is a usage error that says what would be", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  const wrong = await cli(agent, ["history", "--since", "yesterday"]);
  expect([wrong.code, wrong.output]).toEqual([64, expect.stringMatching(/Expected 90s, 30m, 2h, 7d or/)]);
  expect((await cli(agent, ["history", "--limit", "0"])).code).toBe(64);
  const unknown = await cli(agent, ["history", "--outcome", "lost"]);
  expect([unknown.code, unknown.output]).toEqual([
    64,
    expect.stringMatching(/applied, refused, failed, put_back/),
  ]);
});

test("an empty history names the file that was read", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul });
  const { output, code } = await cli(agent, ["history"]);
  expect([code, output]).toEqual([0, `no changes recorded in ${agent.folder}/state\n`]);
});

async function changes(agent: TestAgent): Promise<readonly unknown[]> {
  const { output } = await cli(agent, ["history", "--json", "--limit", "1000"]);
  return JSON.parse(output.replace(/^no changes recorded.*$/m, ""));
}
