import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { AGENT, GOSSIP_KEY, HOSTS, JAIL, startAgent, type TestAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

const SECRETS = [GOSSIP_KEY, JAIL.DBPASS, JAIL.MAILPASS, JAIL.BUCKETPASS];

test("status says in one line what the agent is doing, and --json prints the whole document", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const { output, code } = await command(agent, "status");
  expect(code).toBe(0);
  expect(output).toMatch(/^jail1 is converged: /);
  expect(output).toMatch(/postgres +10\.9\.9\.1:5432 from environment: DBHOST, since/);
  const json = JSON.parse((await command(agent, "status", "--json")).output);
  expect(Object.keys(json)).toEqual(
    expect.arrayContaining([
      "node",
      "state",
      "consul",
      "endpoints",
      "desired",
      "applied",
      "keys",
      "problems",
      "last_change",
    ]),
  );
  expect(json).toMatchObject({ node: "jail1", state: "converged", desired: json.applied });
  expect(Object.keys(json.keys)).toEqual(["secret.key", "otp.key", "vapid.keys", "activerecord.keys"]);
});

test("status exits with 69 when no agent answers", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await agent.stop();
  const { output, code } = await command(agent, "status");
  expect(code).toBe(69);
  expect(output).toMatch(/no agent answers there \(ECONNREFUSED\)/);
});

test("render shows the diff with secrets masked, and with --out writes everything, but privately", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  expect((await command(agent, "render", "--diff")).output).toContain(`${agent.envFile}: no difference`);
  await agent.stop();
  await consul.put("mastodon/settings/MAILHOST", "smtp2.example.org");
  await consul.put("mastodon/settings/DBPASS", "a-new-secret");
  const { output, code } = await command(agent, "render", "--diff");
  expect(code).toBe(0);
  expect(output).toMatch(/^-SMTP_SERVER=smtp\.example\.org\n\+SMTP_SERVER=smtp2\.example\.org$/m);
  expect(output).toContain("the secret DB_PASS changes");
  for (const secret of [...SECRETS, "a-new-secret"]) expect(output).not.toContain(secret);

  const { output: json } = await command(agent, "render", "--diff", "--json");
  const document = JSON.parse(json);
  expect(document).toMatchObject({
    files: [
      {
        name: "env",
        path: agent.envFile,
        mode: "0640",
        difference: { kind: "content", secrets: ["DB_PASS"] },
      },
    ],
    written: [],
    refused: [],
  });
  expect(document.files[0].content).toContain("SMTP_SERVER=smtp2.example.org\n");
  expect(document.files[0].difference.patch).toContain("\n+SMTP_SERVER=smtp2.example.org\n");
  for (const secret of [...SECRETS, "a-new-secret"]) expect(json).not.toContain(secret);

  const out = path.join(agent.folder, "out");
  await command(agent, "render", "--out", out);
  expect(await readdir(out)).toEqual([".env.production"]);
  expect((await stat(path.join(out, ".env.production"))).mode & 0o777).toBe(0o600);
  expect(await readFile(path.join(out, ".env.production"), "utf8")).toContain("DB_PASS=a-new-secret");
});

test("check examines everything, changes nothing, and exits with the code of the first failure", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const good = await command(agent, "check");
  expect(good.output).not.toContain("FAIL");
  expect(good.code).toBe(0);
  await consul.put("mastodon/settings/DBPORT", "many");
  const refused = await command(agent, "check");
  expect(refused.output).toMatch(/FAIL {2}settings: mastodon\/settings\/DBPORT: .*Example: 5432/);
  expect(refused.code).toBe(65);
  await consul.stop();
  const unreachable = await command(agent, "check");
  expect(unreachable.output).toMatch(/FAIL {2}consul: /);
  expect(unreachable.code).toBe(69);
});

test("keys show prints files and fingerprints, never keys; init has nothing to do once they exist", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  const { keys } = await agent.converged();
  const shown = await command(agent, "keys", "show");
  const secretKey = (await readFile(path.join(agent.folder, "keys", "secret.key"), "utf8")).trim();
  expect(shown.output).toContain(keys["secret.key"]);
  expect(shown.output).not.toContain(secretKey);
  expect((await command(agent, "keys", "verify")).code).toBe(0);
  expect((await command(agent, "keys", "init")).output).toMatch(/existing/);
  expect((await readFile(path.join(agent.folder, "keys", "secret.key"), "utf8")).trim()).toBe(secretKey);
});

test("SIGHUP takes a good configuration and keeps the old one when the new is bad", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const config = parse(await readFile(agent.configFile, "utf8"));
  await writeFile(agent.configFile, "nonsense: true\n");
  agent.signal("SIGHUP");
  await until("the refusal in the log", () => agent.output().includes("going on with the old one"));
  const [problem] = await refusals(agent);
  expect(problem).toMatchObject({ code: "configuration_refused", about: agent.configFile });
  expect(problem?.message).toMatch(/agent\.yaml:1:1: unknown key nonsense\..* kill -HUP \d+\.$/);
  for (const view of ["/", "/metrics"])
    expect(await (await fetch(`${agent.url}${view}`)).text(), view).toContain("configuration_refused");
  await writeFile(agent.configFile, "first: line\nmore_nonsense: true\n");
  agent.signal("SIGHUP");
  await until("the other fault", async () => (await refusals(agent))[0]?.message.includes("more_nonsense"));
  expect(await refusals(agent), "it is the same problem").toMatchObject([{ since: problem?.since }]);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");

  const second = path.join(agent.folder, "second.env");
  config.files.second = { template: "env.production.hbs", path: second, mode: "0600" };
  await writeFile(agent.configFile, JSON.stringify(config));
  agent.signal("SIGHUP");
  await until("the second file", async () =>
    (await readFile(second, "utf8").catch(() => "")).includes("SMTP_PORT=587"),
  );
  await agent.converged();
  expect(await refusals(agent)).toEqual([]);
  expect((await agent.stop()).code).toBe(0);
});

/** What is wrong with a new configuration, beside what can be seen from the file alone. */
const badNews: readonly {
  readonly title: string;
  readonly change: (config: Record<string, unknown>, agent: TestAgent) => unknown;
  readonly said: RegExp;
  /** What the problem is about. */
  readonly about: RegExp;
}[] = [
  {
    title: "a file in a folder that does not exist",
    change: (config) => ({
      ...config,
      files: { env: { template: "env.production.hbs", path: "/nonexistent/.env" } },
    }),
    said: /\/nonexistent.*going on with the old one/,
    about: /^\/nonexistent\/\.env$/,
  },
  {
    title: "an owner that does not exist",
    change: (config, { envFile }) => ({
      ...config,
      files: { env: { template: "env.production.hbs", path: envFile, owner: "no-such-user" } },
    }),
    said: /no-such-user.*going on with the old one/,
    about: /\/\.env\.production$/,
  },
  {
    title: "a name in a template that is not known",
    change: async (config, { folder }) => {
      const template = path.join(folder, "own.hbs");
      await writeFile(template, "fine\n{{DOMIAN}}\n");
      return { ...config, files: { own: { template, path: path.join(folder, "own.json") } } };
    },
    said: /line 2.*DOMIAN.*going on with the old one/,
    about: /^template \S+\/own\.hbs$/,
  },
  {
    title: "an HTTP address that is in use",
    change: (config, agent) => ({
      ...config,
      http: new URL(String(agent.environment["CONSUL_HTTP_ADDR"])).host,
    }),
    said: /the address is in use.*going back to the old one/,
    about: /^http: [\d.]+:\d+$/,
  },
  {
    title: "a state directory that cannot be created",
    change: (config, { folder, configFile }) => ({
      ...config,
      paths: { keys: path.join(folder, "keys"), state: path.join(configFile, "state"), mastodon: folder },
    }),
    said: /agent\.yaml\/state.*going back to the old one/,
    about: /\/agent\.yaml\/state$/,
  },
  {
    title: "a key file that was emptied meanwhile",
    change: async (config, { folder }) => {
      await writeFile(path.join(folder, "keys", "otp.key"), "");
      return config;
    },
    said: /otp\.key.*going on with the old one/,
    about: /\/keys\/otp\.key$/,
  },
];

test.each(badNews)(
  "SIGHUP with $title: the agent goes on as before, says why, and reports it as a problem until it is corrected",
  async ({ change, said, about }) => {
    await using consul = await startConsul();
    await using agent = await startAgent({ consul, environment: HOSTS });
    await agent.converged();
    const config = parse(await readFile(agent.configFile, "utf8"));
    await writeFile(agent.configFile, JSON.stringify(await change(config, agent)));
    agent.signal("SIGHUP");
    await until("the reason in the log", () => said.test(agent.output()));
    await until("the problem", async () => (await refusals(agent)).length > 0);
    expect(await refusals(agent)).toMatchObject([{ about: expect.stringMatching(about) }]);
    await consul.put("mastodon/settings/MAILPORT", "587");
    await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
    await agent.converged();
    expect(await refusals(agent), "other changes do not mend it").toHaveLength(1);
    expect((await agent.stop()).code).toBe(0);
    expect((await command(agent, "run")).code, "the next start does fail").toBe(78);
  },
);

/** None where the agent does not answer: it has the same address again in a moment. */
async function refusals(agent: TestAgent) {
  const { problems } = await agent.status().catch(() => ({ problems: [] }));
  return problems.filter(({ code }) => code === "configuration_refused");
}

test("while an apply finishes, a bad SIGHUP does not undo a good one, and SIGTERM is final", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (folder) => ({ units: { web: { reload: [{ run: ["sh", "-c", heldBy(folder)] }] } } }),
  });
  await agent.converged();
  const config = parse(await readFile(agent.configFile, "utf8"));
  const gate = path.join(agent.folder, "gate");
  const beginApply = async (port: string) => {
    await writeFile(gate, "");
    await consul.put("mastodon/settings/MAILPORT", port);
    await until("the apply to begin", async () => (await agent.variables())["SMTP_PORT"] === port);
  };

  await beginApply("587");
  const second = path.join(agent.folder, "second.env");
  config.files.second = { template: "env.production.hbs", path: second, mode: "0600" };
  await writeFile(agent.configFile, JSON.stringify(config));
  agent.signal("SIGHUP");
  await until("the good one to be read", () => agent.output().includes("configuration read again"));
  await writeFile(agent.configFile, "nonsense: true\n");
  agent.signal("SIGHUP");
  await until("the bad one to be refused", () => agent.output().includes("configuration not read again"));
  await rm(gate);
  await until("the second file", async () => (await readFile(second, "utf8").catch(() => "")) !== "");
  await agent.converged();

  await beginApply("465");
  await writeFile(agent.configFile, JSON.stringify(config));
  agent.signal("SIGTERM");
  await until("the drain", () => agent.output().includes("draining"));
  agent.signal("SIGHUP");
  await rm(gate);
  expect((await agent.exited()).code).toBe(0);
});

/** A reload that takes as long as there is a file. */
function heldBy(folder: string): string {
  return `while [ -e ${path.join(folder, "gate")} ]; do sleep 0.05; done`;
}

test("a second agent with the same state refuses to start, and a user's template is rendered", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (folder) => ({
      files: {
        own: {
          template: path.join(folder, "own.json.hbs"),
          path: path.join(folder, "own.json"),
          mode: "0644",
        },
      },
      units: {},
    }),
    prepare: (folder) =>
      writeFile(path.join(folder, "own.json.hbs"), '{ "domain": "{{DOMAIN}}", "db": "{{postgres.host}}" }\n'),
  });
  await agent.converged();
  expect(JSON.parse(await readFile(path.join(agent.folder, "own.json"), "utf8"))).toEqual({
    domain: "social.example.org",
    db: "10.9.9.1",
  });
  const second = await command(agent, "run");
  expect([second.code, second.output]).toEqual([
    78,
    expect.stringMatching(new RegExp(`agent\\.lock.*${agent.pid()}`)),
  ]);
});

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
