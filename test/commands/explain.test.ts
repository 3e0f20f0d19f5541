import { expect, test } from "vitest";
import { GOSSIP_KEY, HOSTS, JAIL, startAgent } from "../world/agent.ts";
import { cli, onTerminal } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";

const SECRETS = [GOSSIP_KEY, JAIL.DBPASS, JAIL.MAILPASS, JAIL.BUCKETPASS];

test("explain prints every source in order of precedence, marks the one in force, and includes those that have nothing", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/DBHOST", "10.1.1.1");
  await consul.put("mastodon/nodes/jail1/settings/DBHOST", "10.2.2.2");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const { output } = await cli(agent, ["explain", "DB_HOST"]);
  expect(output.split("\n").slice(0, 3)).toEqual([
    expect.stringMatching(
      /^DBHOST \(DB_HOST\) = 10\.2\.2\.2, from node: mastodon\/nodes\/jail1\/settings\/DBHOST \(index \d+\)$/,
    ),
    expect.stringMatching(/^ {2}in force since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+ s\)$/),
    "  read by web, sidekiq, streaming",
  ]);
  expect(output.split("\n").slice(3)).toEqual([
    expect.stringMatching(
      /^ {2}\* node +10\.2\.2\.2 +mastodon\/nodes\/jail1\/settings\/DBHOST \(index \d+\)$/,
    ),
    expect.stringMatching(/^ {4}shared +10\.1\.1\.1 +mastodon\/settings\/DBHOST \(index \d+\)$/),
    expect.stringMatching(/^ {4}catalogue +- +no instance of service postgresql$/),
    expect.stringMatching(/^ {4}environment +10\.9\.9\.1 +DBHOST$/),
    expect.stringMatching(/^ {4}default +- +there is none$/),
    "",
  ]);
  const single = (await cli(agent, ["explain", "SINGLE_USER_MODE"])).output;
  expect(single).toMatch(/^SINGLE_USER_MODE is not set in any source\n/);
  expect(single).toContain("nothing at mastodon/nodes/jail1/env/SINGLE_USER_MODE");
  expect(single).toContain("variables are not taken from the environment");
  const derived = (await cli(agent, ["explain", "S3_ENDPOINT"])).output;
  expect(derived).toMatch(
    /BUCKETHOST \(.*S3_ENDPOINT.*\) = s3\.example\.org[\s\S]*BUCKETPORT .* = 443[\s\S]*BUCKETSCHEME .* = https/,
  );
});

test("explain names what was refused, with the reason", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.put("mastodon/settings/DBPORT", "many");
  const { output } = await cli(agent, ["explain", "DB_PORT"]);
  expect(output).toMatch(/^ {2}refused: mastodon\/settings\/DBPORT: .*Example: 5432$/m);
  expect(output).toMatch(/^ {2}\* default +5432$/m);
  expect(output).toMatch(/^ {4}shared +- +mastodon\/settings\/DBPORT is refused, see below$/m);
  const [json] = JSON.parse((await cli(agent, ["explain", "DBPORT", "--json"])).output);
  expect(json).toMatchObject({
    name: "DBPORT",
    feeds: ["DB_PORT"],
    values: [{ level: "default", value: "5432", where: "default", index: null }],
    refused: [expect.stringContaining("mastodon/settings/DBPORT")],
  });
  expect(json.nothing).toContainEqual({
    level: "node",
    nothing: "nothing at mastodon/nodes/jail1/settings/DBPORT",
  });
});

test("explain without a name prints a table of everything that is set, and never shows a secret", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const { output } = await cli(agent, ["explain"]);
  expect(output).toMatch(/^NAME +VALUE +SINCE +FROM$/m);
  expect(output).toMatch(/^DBPASS +\[redacted\] +\d\d:\d\d:\d\d +environment: DBPASS$/m);
  expect(output).toMatch(/^DBPORT +5432 +\d\d:\d\d:\d\d +default$/m);
  for (const secret of SECRETS) expect(output).not.toContain(secret);
  const shown = await onTerminal(agent, ["explain", "DBHOST"]);
  expect(shown.output).toContain("\x1b[32m10.9.9.1");
});

test("explain works while Consul is down: it shows the last known good, and says so", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.stop();
  const { output, code } = await cli(agent, ["explain", "SMTP_PORT"]);
  expect(code).toBe(0);
  expect(output).toMatch(/^Consul was not asked \(.*these are the last known good settings\.$/m);
  expect(output).toMatch(/^ {2}\* shared +587 +mastodon\/settings\/MAILPORT \(index \d+\)$/m);
});

test("explain knows no pinned keys, and suggests the nearest known name for an unknown one", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  const pinned = await cli(agent, ["explain", "SECRET_KEY_BASE"]);
  expect([pinned.code, pinned.output]).toEqual([65, expect.stringMatching(/pinned key.*keys show/)]);
  const unknown = await cli(agent, ["explain", "DB_HOTS"]);
  expect([unknown.code, unknown.output]).toEqual([65, expect.stringMatching(/Did you mean DB_HOST\?/)]);
});
