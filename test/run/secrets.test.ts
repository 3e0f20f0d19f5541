import { randomBytes } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "dotenv";
import { expect, test } from "vitest";
import * as z from "zod";
import { stopChild } from "../../src/consul/child.ts";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { freePorts, loopbackAddress } from "../world/ports.ts";
import { type PostgresServer, startPostgres } from "../world/postgres.ts";
import { program } from "../world/programs.ts";
import { follow, httpOf, inConsul, pagesOf } from "../world/seen.ts";
import { filesBelow, type Hidden, leaksIn, watchArgv } from "../world/spy.ts";
import { startSyslog } from "../world/syslog.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const DOMAIN = "social.example.org";
/** What a value of ours looks like that each way of writing it down changes. */
const secretOf = (name: string) => `${name} "${randomBytes(9).toString("hex")}"/+=%26`;

const SECRETS = {
  mail: secretOf("mail"),
  nextMail: secretOf("next-mail"),
  refusedMail: secretOf("refused-mail"),
  database: secretOf("database"),
  wrongDatabase: secretOf("wrong-database"),
  bucket: secretOf("bucket"),
  redis: secretOf("redis"),
  gossip: randomBytes(32).toString("base64"),
};

test("through a whole life at trace level, secrets appear only where they belong", {
  timeout: 180_000,
}, async () => {
  await using consul = await startConsul({ gossipKey: SECRETS.gossip, acl: true });
  await using syslog = await startSyslog();
  await using primary = await startPostgres({ password: SECRETS.database });
  await using standby = await startPostgres({ password: SECRETS.database });
  const token = await tokenFor(consul);
  await consul.put("mastodon/settings/BUCKETPASS", SECRETS.bucket);
  await consul.put("mastodon/settings/REDISPASS", SECRETS.redis);
  await register(consul, "pg1", primary, "passing");
  await using given = await temporaryFolder("given");
  await writeFile(given.file("dbpass"), `${SECRETS.database}\n`, { mode: 0o600 });
  await writeFile(given.file("gossip"), `${SECRETS.gossip}\n`, { mode: 0o600 });
  await using argv = watchArgv();
  await using agent = await startWatchedAgent(consul, token, given.path, syslog.port);
  await until("it to run", agent.status);
  await using events = follow(`${await httpOf(agent)}/events`);
  await agent.converged();
  const keys = await pinnedKeys(agent);
  const hidden = [...Object.entries(SECRETS), ["token", token], ...keys].map(([name = "", text = ""]) => ({
    name,
    text,
  }));
  const outputs = new Map<string, string>();
  const note = (when: string, texts: ReadonlyMap<string, string>) => {
    for (const [place, text] of texts) outputs.set(`${when} ${place}`, text);
  };

  await consul.put("mastodon/settings/MAILPASS", SECRETS.nextMail);
  await until("another secret", async () => (await agent.variables())["SMTP_PASSWORD"] === SECRETS.nextMail);
  await agent.converged();

  await consul.put("mastodon/settings/MAILPASS", `${SECRETS.refusedMail}\nsecond line`);
  await problem(agent, "input_refused");
  await consul.put("mastodon/settings/DBPASS", SECRETS.wrongDatabase);
  await problem(agent, "probe_failed");
  note("in trouble", await pagesOf(agent));
  await consul.put("mastodon/settings/MAILPASS", SECRETS.nextMail);
  await consul.delete("mastodon/settings/DBPASS");
  await agent.converged();

  await writeFile(path.join(agent.folder, "printed"), printed(hidden), { mode: 0o600 });
  await consul.put("mastodon/settings/MAILPORT", "587");
  const failed = await problem(agent, "change_put_back");
  expect(failed, "what the command printed is told").toMatch(/token: \[redacted\]/);
  note("put back", await pagesOf(agent));
  await rm(path.join(agent.folder, "printed"));
  await consul.put("mastodon/settings/MAILPORT", "2525");
  await until("the next try", async () => (await agent.variables())["SMTP_PORT"] === "2525");
  await agent.converged();

  await register(consul, "pg2", standby, "passing");
  await register(consul, "pg1", primary, "critical");
  await primary.stop();
  await until("the failover", async () => (await agent.variables())["DB_PORT"] === String(standby.port));
  await agent.stop();
  outputs.set("log of the first life", agent.output());
  await agent.start();
  await agent.converged();
  note("at last", await pagesOf(agent));
  await until("the status document", () => consul.get(`mastodon-agent/${DOMAIN}/status/jail1`), 30_000);
  for (const command of COMMANDS) outputs.set(command.join(" "), (await cli(agent, command)).output);
  await agent.stop();

  outputs.set("log", agent.output());
  outputs.set("syslog", JSON.stringify(await syslog.received()));
  outputs.set("events", events.text());
  outputs.set("argv", [...argv.seen].join("\n"));
  outputs.set("argv, as a reload sees it", await readFile(path.join(agent.folder, "argv.log"), "utf8"));
  note("Consul", new Map(await inConsul(consul)));
  const files = await filesBelow(agent.folder);
  const readable = files.filter(({ path: name, mode }) => (mode & 0o077) !== 0 && name !== ".env.production");
  for (const file of readable) outputs.set(`${file.path}, which others may read`, file.content);
  for (const file of files.filter(({ path: name }) => /^state\/(journal|consul\.log)/.test(name)))
    outputs.set(file.path, file.content);

  const leaks = [...outputs].flatMap(([place, text]) =>
    leaksIn(text, hidden).map((leak) => `${place}: ${leak}`),
  );
  expect(leaks).toEqual([]);
  expect([...outputs.keys()].sort(), "enough was looked at").toEqual(
    expect.arrayContaining([
      "argv",
      "at last /",
      "at last /history",
      "at last /metrics",
      "at last /status",
      "events",
      "log",
      "state/journal.jsonl",
      "syslog",
    ]),
  );
  for (const [place, text] of outputs) {
    const isMeantToBeEmpty = place.includes("which others may read");
    if (!isMeantToBeEmpty) expect(text, place).not.toBe("");
  }
  expect(outputs.get("log of the first life")).toContain('"level":"debug"');
  expect(outputs.get("log of the first life"), "all of it").toContain("agent started");
  expect(
    leaksIn(files.map(({ content }) => content).join("\n"), hidden).length,
    "they were there",
  ).toBeGreaterThan(5);
  expect((await stat(path.join(agent.folder, "state"))).mode & 0o777).toBe(0o700);
  const state = files.filter(({ path: name }) => name.startsWith("state/"));
  const open = state.filter(({ mode }) => mode !== 0o600).map(({ path: name }) => name);
  expect(open, "Consul writes its pidfile itself").toEqual(["state/consul.pid"]);
});

const COMMANDS = [
  ["status"],
  ["status", "--json"],
  ["history"],
  ["history", "--json"],
  ["explain"],
  ["explain", "MAILPASS"],
  ["explain", "DB_PASS"],
  ["check"],
  ["check", "--probe"],
  ["render", "--diff"],
  ["render"],
  ["kv", "export"],
  ["kv", "diff"],
  ["keys", "show"],
  ["keys", "verify"],
] as const;

async function startWatchedAgent(
  consul: ConsulServer,
  token: string,
  given: string,
  syslogPort: number,
): Promise<TestAgent> {
  const address = await loopbackAddress();
  const [http = 0] = await freePorts(1, address);
  const { DBHOST: _, ...hosts } = HOSTS;
  const agent = await startAgent({
    consul: { address: `http://${address}:${http}` },
    environment: {
      ...hosts,
      IP: address,
      CONSULSERVERS: consul.join,
      CONSUL_HTTP_TOKEN: token,
      MAILPASS: SECRETS.mail,
      DBPASS: "",
      DBPASS_FILE: path.join(given, "dbpass"),
      BUCKETPASS: "",
      GOSSIPKEY: "",
      GOSSIPKEY_FILE: path.join(given, "gossip"),
      REMOTELOG: "127.0.0.1",
    },
    logLevel: "trace",
    config: (folder) => ({
      consul: {
        agent: "child",
        binary: program("consul"),
        address: `http://${address}:${http}`,
        data_dir: path.join(folder, "consul-data"),
        config_file: path.join(folder, "consul.json"),
      },
      dependencies: { ...UNPROBED, postgres: { probe: true, patroni: { scope: "" } } },
      units: {
        web: { reload: [{ run: ["sh", "-c", RELOAD, folder] }], health: { run: ["true"] } },
        sidekiq: { reload: [{ run: ["true"] }] },
      },
      announce: { status: true },
      log: { level: "trace", syslog: { enabled: true, port: syslogPort } },
    }),
  });
  const dispose = async () => {
    await agent.stop();
    await stopChild(path.join(agent.folder, "state"));
    await agent[Symbol.asyncDispose]();
  };
  return { ...agent, [Symbol.asyncDispose]: dispose };
}

/** Notes every argv of the moment; and where there is something to be printed, fails with it. */
const RELOAD = `
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >> "$0/argv.log"
test -e "$0/printed" || exit 0
cat "$0/printed"
exit 1
`;

/** The last lines of what a program printed are told: these are few enough. */
function printed(hidden: readonly Hidden[]): string {
  const shown = hidden.filter(({ name }) => ["nextMail", "database", "gossip", "token"].includes(name));
  return shown
    .map(
      ({ name, text }) =>
        `${name}: ${text} ${encodeURIComponent(text)} ${Buffer.from(text).toString("base64")}\n`,
    )
    .join("");
}

async function tokenFor(consul: ConsulServer): Promise<string> {
  const rules = await readFile(path.join(import.meta.dirname, "../../packaging/consul-policy.hcl"), "utf8");
  await consul.request("PUT", "/v1/acl/policy", { Name: "mastodon-agent", Rules: rules });
  const token = await consul.request("PUT", "/v1/acl/token", {
    Policies: [{ Name: "mastodon-agent" }],
    NodeIdentities: [{ NodeName: "jail1", Datacenter: "dc1" }],
  });
  return z.object({ SecretID: z.string() }).parse(token).SecretID;
}

async function register(
  consul: ConsulServer,
  id: string,
  { host, port }: PostgresServer,
  status: "passing" | "critical",
): Promise<void> {
  await consul.register({ id, service: "postgresql", address: host, port, status });
}

/** The values of the key files; the public half of the VAPID pair is none. */
async function pinnedKeys(agent: TestAgent): Promise<readonly (readonly [string, string])[]> {
  const folder = path.join(agent.folder, "keys");
  const found: (readonly [string, string])[] = [];
  for (const name of await readdir(folder)) {
    const text = await readFile(path.join(folder, name), "utf8");
    const values = text.includes("_KEY=") ? Object.entries(parse(text)) : [[name, text.trim()] as const];
    found.push(...values.filter(([variable]) => variable !== "VAPID_PUBLIC_KEY"));
  }
  expect(found).toHaveLength(6);
  return found;
}

async function problem(agent: TestAgent, code: string): Promise<string> {
  const found = await until(code, async () =>
    (await agent.status()).problems.find((each) => each.code === code),
  );
  return found.message;
}
