import { chmod, readFile, writeFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { HOSTS, JAIL, startAgent } from "../world/agent.ts";
import { cli, onTerminal, startCli, startOnTerminal } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

test("status is plain in a pipe and coloured within 80 columns on a terminal, unless NO_COLOR says otherwise", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/DBPORT", "many");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await until("a refusal", async () => (await agent.status()).problems.length > 0);
  await agent.converged();

  const piped = await cli(agent, ["status"]);
  expect(piped.output).not.toContain("\x1b");
  expect(piped.output).toMatch(/^jail1 is converged: everything/);
  expect(piped.output).toMatch(/^since +\d\d:\d\d:\d\d \(\d+ s\); agent \d+\.\d+\.\d+ since /m);
  expect(piped.output).toMatch(
    /^postgres +10\.9\.9\.1:5432 from environment: DBHOST, since \d\d:\d\d:\d\d, not checked$/m,
  );
  expect(piped.output).toMatch(/^web +health unknown, reload \d\d:\d\d:\d\d$/m);
  expect(piped.output).toMatch(/^watches +\d of \d answer, oldest answer \d+ s ago/m);
  expect(piped.output).toMatch(/^last change +\d\d:\d\d:\d\d applied: first apply; /m);
  // What is wrong comes with its cure.
  expect(piped.output).toMatch(/since .*\n {2}mastodon\/settings\/DBPORT: .*Example: 5432/);

  const shown = await onTerminal(agent, ["status"]);
  expect(shown.code).toBe(0);
  expect(shown.output).toContain("\x1b[32mconverged");
  const lines = stripVTControlCharacters(shown.output).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const plain = await onTerminal(agent, ["status"], { env: { NO_COLOR: "1" } });
  expect(plain.output).not.toContain("\x1b");
});

test("status says which instances may be chosen, why the others may not, and what is on hold", async () => {
  await using consul = await startConsul();
  const service = { service: "postgresql", port: 5432 };
  await consul.register({ ...service, id: "pg1", address: "10.1.1.1", status: "passing" });
  await consul.register({ ...service, id: "pg2", address: "10.1.1.2", status: "critical" });
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/control/hold", "moving the database");
  await until("the hold", async () => (await agent.status()).hold_since !== null);
  const { output } = await cli(agent, ["status"]);
  expect(output).toMatch(/^postgres +10\.1\.1\.1:5432 from catalogue: service pg1, since /m);
  expect(output).toMatch(/^ +1 of 2 may be chosen; pg2: check "Service 'postgresql' check" is critical$/m);
  expect(output).toMatch(/^jail1 is held: /);
  expect(output).toMatch(
    /^hold +moving the database, since \d\d:\d\d:\d\d \(\d+ s\)\n +To end the hold: consul kv delete mastodon\/control\/hold$/m,
  );
});

test("status names the node and the check that is not passing, with its output, in one harmless line", async () => {
  await using consul = await startConsul();
  const service = { service: "postgresql", id: "pg", port: 5432 };
  const one = { ...service, node: "db1", address: "10.1.1.1" };
  const two = { ...service, node: "db2", address: "10.1.1.2" };
  await consul.register({ ...one, status: "passing" });
  await consul.register({ ...two, status: "passing" });
  await consul.setCheck(
    two,
    "critical",
    `\n\x1b[31mFATAL:  password "${JAIL.DBPASS}" ${"is no good ".repeat(40)}\nsecond line`,
  );
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const { output } = await cli(agent, ["status"]);
  expect(output).toMatch(/^postgres +10\.1\.1\.1:5432 from catalogue: service pg on node db1, since /m);
  const [, said = ""] = /^ +1 of 2 may be chosen; pg on node db2: (.*)$/m.exec(output) ?? [];
  expect(said).toMatch(
    /^check "Service 'postgresql' check" is critical: \\x1b\[31mFATAL: {2}password "\[redacted\]" is no good .*…$/,
  );
  expect(said.length).toBeLessThan(300);
  expect((await agent.status()).endpoints["postgres"]?.candidates).toEqual([
    expect.objectContaining({ id: "pg", node: "db1", eligible: true, checks: [] }),
    expect.objectContaining({
      id: "pg",
      node: "db2",
      eligible: false,
      checks: [expect.objectContaining({ status: "critical", name: "Service 'postgresql' check" })],
    }),
  ]);
});

test.each([
  ["potluck", /`service mastodon_agent status` and `tail -n 20 \/var\/log\/mastodon-agent\.log`\.$/m],
  ["systemd", /`systemctl status mastodon-agent` and `journalctl -u mastodon-agent -n 20`\.$/m],
  ["none", /ask the agent's supervisor for its state, and read the end of the agent's log\.$/m],
])("with the agent down, status shows what was last known and where to look (%s)", async (profile, look) => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await agent.stop();
  await writeFile(
    agent.configFile,
    (await readFile(agent.configFile, "utf8")).replace("profile: none", `profile: ${profile}`),
  );
  const { code, output } = await cli(agent, ["status"]);
  expect(code).toBe(69);
  expect(output).toMatch(/^No agent is running\. Last known, according to \/\S+\/state:$/m);
  expect(output).toMatch(
    /^postgres +10\.9\.9\.1:5432 from environment: DBHOST, since \d\d:\d\d:\d\d, not checked$/m,
  );
  expect(output).toMatch(/^applied +\d\d:\d\d:\d\d \(\d+ s\): first apply$/m);
  expect(output).toMatch(/^last change +\d\d:\d\d:\d\d applied: first apply; /m);
  expect(output).toMatch(
    /^mastodon-agent: http:\S+: no agent answers there \(ECONNREFUSED\)\. Mastodon keeps running/m,
  );
  expect(output).toMatch(look);
  expect(output, "a second agent would undo what the first one does").not.toMatch(/mastodon-agent run|start/);
  const forScripts = await cli(agent, ["status", "--json"]);
  expect(forScripts.output).toMatch(/^mastodon-agent: [^\n]*\n$/);
  expect(forScripts.code).toBe(69);
});

test("status distinguishes an agent that does not answer from one that is not running", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  agent.signal("SIGSTOP");
  try {
    const { code, output } = await cli(agent, ["status"]);
    expect(output).toContain(`The agent is running (pid ${agent.pid()}) but does not answer. Last known, `);
    expect(output).toMatch(/: the agent does not answer within 5 s\. /);
    expect(code).toBe(69);
  } finally {
    agent.signal("SIGCONT");
  }
});

// Only root becomes somebody else.
if (process.geteuid?.() === 0) {
  test("a user who may not read the state is told so, and told who may", async () => {
    await using consul = await startConsul();
    await using agent = await startAgent({ consul, environment: HOSTS });
    await agent.converged();
    await agent.stop();
    await chmod(agent.folder, 0o755);
    await chmod(agent.configFile, 0o644);
    const may =
      /\/state: nobody may not read it \(owner root, group root, mode 0700\)\. Run this as root .*`sudo mastodon-agent \.\.\.`/;
    const status = await cli(agent, ["status"], { uid: NOBODY });
    expect(status.output).toMatch(
      /^What it last applied is not known: \/\S+\/state: nobody may not read it/m,
    );
    expect(status.output).toMatch(may);
    expect(status.code).toBe(69);
    const history = await cli(agent, ["history"], { uid: NOBODY });
    expect(history.output).toMatch(may);
    expect(history.code).toBe(78);
    const explain = await cli(agent, ["explain"], { uid: NOBODY });
    expect(explain.output, "the values in force are not known, which is not the same as none").toMatch(may);
    expect(explain.code).toBe(78);
  });
}

test("status names both sources where host and port of a dependency come from two", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, MAILPORT: "587", DBPORT: "5433" },
  });
  await agent.converged();
  const smtp =
    "smtp2.example.org:587 from shared: mastodon/settings/MAILHOST, port from environment: MAILPORT";
  const { output } = await cli(agent, ["status"]);
  expect(output).toContain(smtp);
  expect(output).toMatch(/^postgres +10\.9\.9\.1:5433 from environment: DBHOST and DBPORT, since /m);
  expect(output).toMatch(/^redis +10\.9\.9\.2:6379 from environment: REDISHOST, since /m);
  expect((await agent.status()).endpoints["smtp"]).toMatchObject({
    source: "shared: mastodon/settings/MAILHOST",
    from: {
      host: { level: "shared", where: "mastodon/settings/MAILHOST", index: expect.any(Number) },
      port: { level: "environment", where: "MAILPORT", index: null },
    },
  });
  const page = await (await fetch(agent.url)).text();
  expect(page).toContain("from shared: mastodon/settings/MAILHOST, port from environment: MAILPORT");
  await agent.stop();
  expect((await cli(agent, ["status"])).output).toContain(smtp);
});

test("status --watch prints a block when something changes, waits for an agent that is away, and ends on Ctrl-C", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await using watching = await startCli(agent, ["status", "--watch"]);
  const blocks = () => watching.output().match(/^jail1 is /gm)?.length ?? 0;
  await until("the first block", () => blocks() === 1);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the change", () => /MAILPORT from mastodon\/settings\/MAILPORT/.test(watching.output()));
  await agent.stop();
  await until("the agent to be missed", () => watching.output().includes("The agent is away"));
  const before = blocks();
  await agent.start();
  await until("the agent to be seen again", () => blocks() > before);
  watching.signal("SIGINT");
  expect((await watching.exited).code).toBe(0);
});

test("status --watch redraws in place on a terminal, even while the agent is away", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await using watching = await startOnTerminal(agent, ["status", "--watch"]);
  await until("a second picture", () => UPWARDS.test(watching.output()));
  await agent.stop();
  await until("the agent to be missed", () => watching.output().includes("The agent is away"));
  await watching.interrupt();
  expect((await watching.exited).code).toBe(0);
  expect(watching.output().trimEnd().endsWith("\x1b[?25h")).toBe(true);
});

test("status --watch on 80x24 shows what is wrong first, and marks what it leaves out", async () => {
  await using consul = await startConsul();
  for (const name of ["DBPORT", "MAILPORT", "REDISPORT"])
    await consul.put(`mastodon/settings/${name}`, "many");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await until("the refusals", async () => (await agent.status()).problems.length === 3);
  await agent.converged();
  const pictureOf = async (rows: number) => {
    await using watching = await startOnTerminal(agent, ["status", "--watch"], { rows });
    return await until("a picture", () => lastPicture(watching.output()));
  };

  const small = await pictureOf(24);
  expect(small.length).toBeLessThanOrEqual(23);
  const [, headline = "", problem = ""] = small;
  expect(headline).toMatch(/^jail1 is converged: /);
  expect(problem).toMatch(/^input_refused, since /);
  const [, more = ""] =
    /^\.\.\. (\d+) more lines: `mastodon-agent status` shows all$/.exec(small.at(-1) ?? "") ?? [];
  expect(Number(more)).toBeGreaterThan(1);

  const large = await pictureOf(60);
  expect(large.join("\n")).not.toContain("more lines");
  expect(large.length, "the mark took the place of one line").toBe(small.length - 1 + Number(more));
});

test("status --watch that never saw the agent shows what it last knew", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await agent.stop();
  await using watching = await startOnTerminal(agent, ["status", "--watch"]);
  const picture = await until("a picture", () => lastPicture(watching.output()));
  expect(picture.join("\n")).toMatch(
    /The agent is away.*[\s\S]*^postgres +10\.9\.9\.1:5432 from environment: DBHOST/m,
  );
});

test("status --watch --json prints one document per line", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await using watching = await startCli(agent, ["status", "--watch", "--json"]);
  await until("a line", () => watching.output().includes("\n"));
  watching.signal("SIGINT");
  expect((await watching.exited).code).toBe(0);
  const [first = ""] = watching.output().split("\n");
  expect(JSON.parse(first)).toMatchObject({ node: "jail1", state: "converged" });
});

const NOBODY = 65_534;

/** The lines of the newest picture that was drawn to its end; undefined before there is one. */
function lastPicture(output: string): readonly string[] | undefined {
  const [, picture] =
    output
      .split("\x1b[J")
      .at(-2)
      ?.split(/\[2J|\[\d+A\r/) ?? [];
  const lines = stripVTControlCharacters(picture?.replace("\x1b[H", "") ?? "")
    .trimEnd()
    .split("\r\n");
  return picture === undefined ? undefined : lines;
}

/** Back to the first line of the picture. */
const UPWARDS = /\[\d+A\r/;
