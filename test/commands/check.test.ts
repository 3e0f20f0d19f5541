import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { makeNode, supervise } from "../consul/fixtures/node.ts";
import { mayMount, smallDisk } from "../faults/fixtures/small-disk.ts";
import { AGENT, GOSSIP_KEY, HOSTS, JAIL, startAgent, type TestAgent } from "../world/agent.ts";
import { cli, onTerminal } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { startPostgres } from "../world/postgres.ts";
import { startS3 } from "../world/s3.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("for each unit the doctor says whether it runs, may be signalled, and has the commands of its steps", async () => {
  await using consul = await startConsul();
  await using web = await start("sleep", ["60"]);
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const pidfile = path.join(agent.folder, "web.pid");
  await writeFile(pidfile, String(web.pid));
  const changed = await withConfig(agent, {
    units: {
      web: { reload: [{ signal: "WINCH", pidfile }], health: { pidfile } },
      sidekiq: { reload: [{ signal: "TERM", pidfile: path.join(agent.folder, "no.pid") }] },
      streaming: { reload: [{ run: ["no-such-program", "reload"] }], health: { tcp: "127.0.0.1:9" } },
    },
  });
  const { output, code } = await cli(changed, ["check", "--probe"]);
  expect(output).toMatch(new RegExp(`^ok +unit web: runs \\(pid ${web.pid}\\), healthy$`, "m"));
  expect(output).toMatch(
    /^FAIL +unit sidekiq: it is not running: there is no readable pidfile .*\. Start it\.$/m,
  );
  expect(output).toMatch(/^FAIL +unit streaming: it is not running: /m);
  expect(output).toMatch(/^FAIL +unit streaming commands: no-such-program: there is no such program/m);
  expect(output).toMatch(/^ok +consul cluster: 1 alive, 1 of them servers; Consul \d+\.\d+\.\d+$/m);
  expect(output).toMatch(/^\d+ ok, \d+ to check, \d+ wrong$/m);
  expect(code).toBe(69);
});

if (process.getuid?.() === 0)
  test("the doctor says when it may not signal a unit or write its files, and goes on", async () => {
    await using consul = await startConsul();
    await using web = await start("sleep", ["60"]);
    await using agent = await startAgent({ consul, environment: HOSTS });
    await agent.converged();
    await chmod(agent.folder, 0o755);
    const pidfile = path.join(agent.folder, "web.pid");
    await writeFile(pidfile, String(web.pid));
    const changed = await withConfig(agent, { units: { web: { reload: [{ signal: "USR2", pidfile }] } } });
    const { output, code } = await cli(changed, ["check", "--probe"], { uid: 65_534 });
    expect(output).toMatch(
      new RegExp(
        `^FAIL +unit web: user id 65534 may not signal its process ${web.pid}\\. Run the agent as`,
        "m",
      ),
    );
    expect(output).toMatch(/^FAIL +keys storage: .*user id 65534 may not write there \(EACCES\)/m);
    expect(output).toMatch(/^\d+ ok, \d+ to check, \d+ wrong$/m);
    expect(code).not.toBe(70);
  });

test("the doctor finds an endpoint in a unit's own environment that overrides the file, and never shows its value", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await using web = await start("sleep", ["60"], {
    onlyEnv: { DB_HOST: "10.66.66.66", MAX_THREADS: "3", PORT: "3000" },
  });
  await using sidekiq = await start("sleep", ["60"], { onlyEnv: { DB_HOST: HOSTS.DBHOST } });
  await using streaming = await start("sleep", ["60"], {
    onlyEnv: { DATABASE_URL: "postgres://elsewhere/x", REDIS_URL: "redis://elsewhere" },
  });
  const units = Object.fromEntries(
    await Promise.all(
      Object.entries({ web, sidekiq, streaming }).map(async ([name, { pid }]) => {
        const pidfile = path.join(agent.folder, `${name}.pid`);
        await writeFile(pidfile, String(pid));
        return [name, { reload: [{ signal: "WINCH", pidfile }] }] as const;
      }),
    ),
  );
  const { output, code } = await cli(await withConfig(agent, { units }), ["check", "--probe"]);
  expect(output).toMatch(
    /^FAIL +environment of web: unit web: its process environment has DB_HOST, which overrides/m,
  );
  expect(output).toMatch(/^warn +environment of sidekiq: .* has DB_HOST, .*the values are the same now/m);
  expect(output).toMatch(/^FAIL +environment of streaming: .* has DATABASE_URL, REDIS_URL, which overrides/m);
  expect(output).not.toContain("10.66.66.66");
  expect(output).not.toContain("elsewhere");
  expect(code).not.toBe(0);
});

test("the doctor asks what the token may do, changes nothing, and names the missing permissions", async () => {
  await using consul = await startConsul({ acl: true });
  const token = await consul.createToken(
    'key_prefix "mastodon/" { policy = "read" } key_prefix "mastodon-agent/" { policy = "write" } key_prefix "service/" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
  );
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: token },
    config: { reload: { min_interval: "0ms", fleet_lock: false } },
  });
  await agent.converged();
  const good = await cli(agent, ["check", "--probe"]);
  expect(good.output).toMatch(/^ok +acl settings: may read key mastodon\/$/m);
  expect(good.output).toMatch(/^ok +acl service postgresql: may read service postgresql$/m);
  expect(good.output).not.toContain("sessions");
  const locked = await withConfig(agent, { reload: { fleet_lock: true } });
  const short = await cli(locked, ["check", "--probe"]);
  expect(short.output).toMatch(
    /^ok +acl fleet lock: may write key mastodon-agent\/social\.example\.org\/lock$/m,
  );
  expect(short.output).toMatch(
    /^FAIL +acl sessions: ACL token: it may not write session jail1\. .*consul-policy\.hcl\.$/m,
  );
  expect(await consul.request("GET", "/v1/session/list")).toEqual([]);
  expect(short.code).toBe(69);
  const unknown = await cli(agent, ["check", "--probe"], { env: { CONSUL_HTTP_TOKEN: randomUUID() } });
  expect(unknown.output).toMatch(/^FAIL +acl: ACL token: Consul does not know it: ACL not found/m);
});

test("the doctor does not take a client's word that there are no ACLs", async () => {
  const gossipKey = Buffer.alloc(32, 1).toString("base64");
  await using consul = await startConsul({ acl: true, gossipKey });
  const token = await consul.createToken(
    'key_prefix "" { policy = "write" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
  );
  await using node = await makeNode({ gossipKey, join: consul.join, name: "mastodon-1" });
  await using _client = supervise(node);
  await using agent = await startAgent({
    consul: { address: node.address },
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: token },
    config: { reload: { min_interval: "0ms", fleet_lock: false } },
  });
  await agent.converged();
  const { output } = await cli(agent, ["check", "--probe"]);
  expect(output).toMatch(/^warn +acl: ACL token: this Consul does not say .* was not\. Compare its policy/m);
});

test("the doctor compares clocks: 20 s is a warning, 75 s a failure if requests are signed", async () => {
  await using consul = await startConsul();
  await using postgres = await startPostgres();
  await using s3 = await startS3();
  await using agent = await startAgent({
    consul,
    environment: {
      DBHOST: postgres.host,
      DBPORT: String(postgres.port),
      DBPASS: postgres.password,
      REDISHOST: "127.0.0.1",
      REDISPORT: "9",
      MAILHOST: "127.0.0.1",
      MAILPORT: "9",
      BUCKETHOST: s3.host,
      BUCKETPORT: String(s3.port),
      BUCKETSCHEME: s3.scheme,
      BUCKETNAME: s3.bucket,
      BUCKETUSER: s3.accessKey,
      BUCKETPASS: s3.secretKey,
    },
  });
  await agent.converged();
  const early = (await cli(agent, ["check", "--probe"], { node: [clockAhead(-20)] })).output;
  expect(early).toMatch(
    /^warn +clock and s3: clock of this machine: it is (19|20|21) s behind the server's\./m,
  );
  expect(early).toMatch(/^warn +clock and postgres: .* it is (19|20|21) s behind/m);
  const late = (await cli(agent, ["check", "--probe"], { node: [clockAhead(75)] })).output;
  expect(late).toMatch(
    /^FAIL +clock and s3: .* it is 7[3-6] s ahead of the server's\. Set this machine's clock/m,
  );
  expect(late).toMatch(/^warn +clock and postgres: .* it is 7[3-6] s ahead/m);
  expect((await cli(agent, ["check", "--probe"])).output).toMatch(/^ok +clock and s3: they agree$/m);
});

test("the doctor compares the client's keyring with GOSSIPKEY", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const folder = path.join(agent.folder, "consul");
  await mkdir(path.join(folder, "serf"), { recursive: true });
  const changed = await withConfig(agent, {
    consul: { agent: "child", data_dir: folder, config_file: path.join(agent.folder, "consul.json") },
  });
  const keyring = path.join(folder, "serf", "local.keyring");
  await writeFile(keyring, JSON.stringify([GOSSIP_KEY]));
  expect((await cli(changed, ["check", "--probe"])).output).toMatch(/^ok +consul gossip key: /m);
  await writeFile(keyring, JSON.stringify([Buffer.alloc(32, 7).toString("base64")]));
  const { output } = await cli(changed, ["check", "--probe"]);
  expect(output).toMatch(/^FAIL +consul gossip key: .*local\.keyring: the client has other gossip keys/m);
  expect(output).toMatch(/^warn +consul cluster: NODENAME: no member is called jail1\./m);
});

test("a refused configuration is the only finding, in JSON too", async () => {
  await using folder = await temporaryFolder();
  const configFile = folder.file("agent.yaml");
  await writeFile(configFile, "wacth: {}\n");
  const check = async (...flags: string[]) => {
    const argv = [AGENT, "check", "--config", configFile, ...flags];
    await using running = await start(process.execPath, argv, { onlyEnv: JAIL });
    const { code } = await running.exited;
    return { code, output: running.output() };
  };
  const message = `${configFile}:1:1: unknown key wacth. Did you mean watch?`;
  const json = await check("--json");
  expect(JSON.parse(json.output)).toEqual({
    ok: 0,
    warn: 0,
    fail: 1,
    exit_code: 78,
    findings: [{ title: "configuration", verdict: "FAIL", messages: [message] }],
  });
  const plain = await check();
  expect(plain.output).toBe(`FAIL  configuration: ${message}\n0 ok, 0 to check, 1 wrong\n`);
  expect([json.code, plain.code]).toEqual([78, 78]);
});

test("check goes on after a failure, and prints one JSON document if asked to", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await writeFile(path.join(agent.folder, "keys", "otp.key"), "");
  const { output, code } = await cli(agent, ["check", "--probe", "--json"]);
  const report = JSON.parse(output);
  expect(report).toMatchObject({ exit_code: 78, fail: expect.any(Number) });
  expect(report.fail).toBeGreaterThan(0);
  expect(report.findings).toContainEqual({
    title: "keys",
    verdict: "FAIL",
    messages: expect.arrayContaining([expect.stringContaining("otp.key")]),
  });
  expect(report.findings.map(({ title }: { title: string }) => title)).toContain("consul cluster");
  expect(code).toBe(78);
});

test("while Consul is down the doctor checks everything else, with the last known good", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  await consul.stop();
  const { output, code } = await cli(agent, ["check", "--probe"]);
  expect(output).toMatch(/^FAIL +consul: .*Is the Consul client running and joined\?$/m);
  expect(output).not.toMatch(/^\S+ +(acl|consul cluster)/m);
  expect(output).toMatch(/^ok +unit web commands: \S+\/sh$/m);
  expect(output).toMatch(/ smtp smtp\.example\.org:587: /);
  expect(code).toBe(69);
});

if (mayMount())
  test("check reports that there is no room for the state", async () => {
    await using disk = await smallDisk();
    await using consul = await startConsul();
    await using agent = await startAgent({ consul, environment: HOSTS });
    await agent.converged();
    const paths = {
      keys: path.join(agent.folder, "keys"),
      state: path.join(disk.path, "state"),
      mastodon: agent.folder,
    };
    const { output } = await cli(await withConfig(agent, { paths }), ["check"]);
    expect(output).toMatch(/^FAIL +state storage: .*it is full: 0 MiB free\. Make room/m);
  });

test("anything that takes longer than a second is shown on a terminal, and cleared when it is over", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const slow = await withConfig(agent, {
    units: { web: { reload: [{ run: ["true"] }], health: { run: ["sleep", "2"] } } },
  });
  const { output } = await onTerminal(slow, ["check", "--probe"]);
  expect(output).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]\S* Asking every backend/);
  expect(output).toContain("\x1b[32mok   ");
  expect(stripVTControlCharacters(output).trimEnd().split("\n").at(-1)).toMatch(
    /\d+ ok, \d+ to check, \d+ wrong/,
  );
  expect((await cli(slow, ["check", "--probe"])).output).not.toContain("Asking");
});

/** The same agent with another configuration: what it would be with that one. */
async function withConfig(agent: TestAgent, overrides: object): Promise<TestAgent> {
  const configFile = path.join(agent.folder, "changed.yaml");
  const config = parse(await readFile(agent.configFile, "utf8"));
  await writeFile(configFile, stringify({ ...config, ...overrides }));
  return { ...agent, configFile };
}

/** Nothing real sets the clock of one process alone. */
function clockAhead(seconds: number): string {
  const code = `const now = Date.now; globalThis.Date = class extends Date { constructor(...given) { super(...(given.length === 0 ? [now() + ${seconds * 1000}] : given)); } static now() { return now() + ${seconds * 1000}; } };`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}
