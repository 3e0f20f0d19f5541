import { expect, test } from "vitest";
import { AGENT, HOSTS, startAgent } from "../world/agent.ts";
import { cli, onTerminal } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { run } from "../world/spawn.ts";

const LONG = `notifications@${"a-rather-long-label.".repeat(4)}example.org`;
const [RED, GREEN, YELLOW, END] = ["\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[39m"];

test("differences are coloured on a terminal, and plain in a pipe", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await agent.stop();
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await consul.put("mastodon/settings/DBPASS", "another-secret");
  await consul.put("mastodon/settings/DBPORT", "many");

  const diff = await onTerminal(agent, ["render", "--diff"]);
  expect(diff.output).toContain(`${RED}-SMTP_SERVER=smtp.example.org${END}\n`);
  expect(diff.output).toContain(`${GREEN}+SMTP_SERVER=smtp2.example.org${END}\n`);
  expect(diff.output).toContain(`${YELLOW}${agent.envFile}: the secret DB_PASS changes${END}\n`);
  const kv = await onTerminal(agent, ["kv", "diff"], { columns: 200 });
  expect(kv.output).toContain(`${YELLOW}KV overrides the environment; not yet applied`);
  expect(kv.output).toContain(`${RED}refused: `);
  for (const argv of [
    ["render", "--diff"],
    ["kv", "diff"],
  ])
    expect((await cli(agent, argv)).output).not.toContain("\x1b");
});

test("a table is shortened for a terminal, and never in a pipe", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: { ...HOSTS, MAILFROM: LONG } });
  await agent.converged();
  for (const argv of [["explain"], ["kv", "diff"]]) {
    expect((await cli(agent, argv)).output).toMatch(new RegExp(`^MAILFROM .*${LONG}`, "m"));
    const shown = await onTerminal(agent, argv);
    expect(shown.output).toMatch(/^MAILFROM .*notifications@.*…/m);
    expect(shown.output).not.toContain(LONG);
  }
});

test("--help of a command names the configuration file that is read if none is named", async () => {
  const help = await run(process.execPath, [AGENT, "status", "--help"]);
  expect(help.replaceAll(/\s+/g, " ")).toContain(
    "--config <file> configuration file (YAML), by default /usr/local/etc/mastodon-agent.yaml",
  );
});
