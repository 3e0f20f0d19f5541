/** `check --probe` finds what the running agent finds, by itself and by asking it. Each fault is a real one. */
import { once } from "node:events";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { mayMount, smallDisk } from "../faults/fixtures/small-disk.ts";
import { GOSSIP_KEY, HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { program } from "../world/programs.ts";
import { startRedis } from "../world/redis.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a value in KV that the probe refuses, and what the agent says of it, also after the agent was stopped", async () => {
  await using redis = await startRedis();
  await using agent = await startAgent({
    consul,
    environment: { ...born("probe"), REDISHOST: redis.host, REDISPORT: String(redis.port) },
    config: { watch: { prefix: "probe" }, dependencies: { ...UNPROBED, redis: { probe: true } } },
  });
  await agent.converged();
  const good = await check(agent);
  expect(good).toContainEqual(finding("agent", "ok", /^jail1 is converged: /));
  expect(good).toContainEqual(finding("connections", "ok", /is available/));

  const nobody = await freePort();
  await consul.put("probe/settings/REDISPORT", String(nobody));
  await problem(agent, "probe_failed");
  const refused = new RegExp(`redis: \\S+:${nobody} is not used, .*${redis.port} stays in use`);
  const bad = await check(agent);
  expect(bad).toContainEqual(finding("connections", "FAIL", refused));
  expect(bad).toContainEqual(finding("problem probe_failed", "FAIL", refused));
  expect(bad).toContainEqual(finding("agent", "warn", /jail1 is degraded: .*mastodon-agent status/));

  await agent.stop();
  const alone = await check(agent);
  expect(alone).toContainEqual(finding("connections", "FAIL", refused));
  expect(alone).toContainEqual(finding("agent", "warn", /none is running here, so settings and failovers/));
});

test("a permission that is missing for the settings, while what the catalogue says counts", async () => {
  await using guarded = await startConsul({ acl: true });
  const everything = 'key_prefix "" { policy = "write" } service_prefix "" { policy = "write" }';
  const token = await guarded.createToken(
    `key_prefix "mastodon/" { policy = "deny" } ${everything} node_prefix "" { policy = "read" }`,
  );
  await guarded.register({ id: "pg1", service: "postgresql", address: "127.0.0.9", port: 5433 });
  await using agent = await startAgent({
    consul: guarded,
    environment: { ...HOSTS, CONSUL_HTTP_TOKEN: token },
  });
  await problem(agent, "watch_failing");
  const found = await check(agent);
  expect(found).toContainEqual(
    finding("consul", "FAIL", /^kv mastodon\/: permission denied: .*consul-policy/),
  );
  expect(found).toContainEqual(finding("problem watch_failing", "FAIL", /^kv mastodon\/: permission denied/));
  expect(found.map(({ title }) => title)).toContain("postgres 127.0.0.9:5433");
});

test("another program at the agent's address, an agent that hangs, and none that ever ran", async () => {
  await using agent = await startAgent({ consul, environment: born("address"), config: prefixed("address") });
  await agent.converged();
  agent.signal("SIGSTOP");
  expect(await check(agent)).toContainEqual(
    finding(
      "agent",
      "FAIL",
      /the agent is running \(pid \d+\), but the agent does not answer within 5 s\. .*log/,
    ),
  );
  agent.signal("SIGCONT");
  await agent.stop();
  const other = await listenAt(new URL(agent.url));
  expect(await check(agent)).toContainEqual(
    finding("agent", "FAIL", /something listens on port \d+, so it could not start\. Stop that program/),
  );
  await rm(path.join(agent.folder, "state"), { recursive: true });
  await other[Symbol.asyncDispose]();
  expect(await check(agent)).toContainEqual(finding("agent", "ok", /none ever has/));
});

test("an nginx configuration that nginx refuses, on a copy beside the one in use that is gone afterwards", async () => {
  const home = (folder: string) => path.join(folder, "nginx");
  const parts = (folder: string) => path.join(home(folder), "parts.conf");
  await using agent = await startAgent({
    consul,
    environment: born("nginx"),
    prepare: async (folder) => {
      await mkdir(home(folder));
      await writeFile(parts(folder), "client_max_body_size 99m;\n");
      const main = `error_log ${home(folder)}/error.log;\npid ${home(folder)}/nginx.pid;\nevents {}\n`;
      await writeFile(`${folder}/nginx.hbs`, `${main}http { include parts.conf; }\n# {{MAILPORT}}\n`);
    },
    config: (folder) => {
      const check = [
        program("nginx"),
        "-q",
        "-e",
        path.join(home(folder), "error.log"),
        "-t",
        "-c",
        "{file}",
      ];
      const file = path.join(home(folder), "nginx.conf");
      return {
        ...prefixed("nginx"),
        files: { nginx: { template: `${folder}/nginx.hbs`, path: file, check } },
      };
    },
  });
  await agent.converged();
  const file = path.join(home(agent.folder), "nginx.conf");
  const before = await readdir(home(agent.folder));
  expect(await check(agent)).toContainEqual(finding(file, "ok", /^accepted by \S+nginx$/));
  await writeFile(parts(agent.folder), "client_max_body_size 99 monkeys;\n");
  await consul.put("nginx/settings/MAILPORT", "587");
  await problem(agent, "change_refused");
  const refused =
    /invalid number of arguments in "client_max_body_size".*Correct the setting or the template/;
  const found = await check(agent);
  expect(found).toContainEqual(finding(file, "FAIL", refused));
  expect(found).toContainEqual(finding("problem change_refused", "FAIL", /client_max_body_size/));
  expect(await readdir(home(agent.folder))).toEqual(before);
});

test("at a new site nothing is wrong with keys that the first start will create, and none are created", async () => {
  await using agent = await startAgent({ consul, environment: born("old"), config: prefixed("old") });
  await agent.converged();
  await agent.stop();
  const fresh = await withConfig(agent, async (config) => ({
    ...config,
    paths: { ...config.paths, keys: path.join(agent.folder, "new", "keys"), state: `${agent.folder}/none` },
    files: { env: { template: "env.production.hbs", path: path.join(agent.folder, "new.env") } },
  }));
  const before = await readdir(agent.folder);
  const found = await check(fresh, { DOMAIN: "new.example.org" });
  expect(found.filter(({ title }) => KEYS.test(title)).map(({ verdict }) => verdict)).toEqual(
    Array(5).fill("ok"),
  );
  expect(found).toContainEqual(
    finding("keys", "ok", /^secret\.key, .*: created in \S+\/new\/keys at the first start/),
  );
  expect(found).toContainEqual(finding(path.join(agent.folder, "new.env"), "ok", /can be written/));
  expect(await readdir(agent.folder)).toEqual(before);

  const away = await check(fresh, { DOMAIN: "new.example.org", CONSUL_HTTP_ADDR: "http://127.0.0.1:9" });
  expect(away).toContainEqual(finding("keys", "warn", /secret\.key: it is missing, .* Start Consul/));
  expect(away).toContainEqual(finding("consul", "FAIL", /ECONNREFUSED/));

  expect(await check(fresh), "the domain has keys").toContainEqual(
    finding("keys", "FAIL", /secret\.key: it is missing, but its fingerprint \w+ is pinned in Consul/),
  );
  const unmounted = await withConfig(fresh, async (config) => ({
    ...config,
    keys: { require_mount: agent.folder },
  }));
  expect(await check(unmounted, { DOMAIN: "new.example.org" })).toContainEqual(
    finding("keys", "FAIL", /nothing is mounted/),
  );
  await writeFile(path.join(agent.folder, "new.env"), `OTP_SECRET=${"ab".repeat(64)}\n`);
  expect(await check(fresh, { DOMAIN: "new.example.org" })).toContainEqual(
    finding("keys", "FAIL", /new\.env: it has OTP_SECRET, but \S+otp\.key is missing\. .*keys adopt/),
  );
});

const KEYS = /^(keys|keys storage|files|\/\S+\/new\.env|mastodon storage)$/;

test("a pidfile that a dead unit left, and a unit that runs without the pidfile that its signals need", async () => {
  await using web = await listenAt();
  await using running = await start("sleep", ["600"]);
  const pidfile = (folder: string, unit: string) => path.join(folder, `${unit}.pid`);
  await using agent = await startAgent({
    consul,
    environment: born("pidfile"),
    config: (folder) => ({
      ...prefixed("pidfile"),
      units: {
        sidekiq: {
          reload: [{ run: ["true"] }],
          start: [{ run: ["sh", "-c", `sleep 600 & echo $! > ${pidfile(folder, "sidekiq")}`] }],
          health: { pidfile: pidfile(folder, "sidekiq") },
        },
        web: {
          reload: [{ signal: "WINCH", pidfile: pidfile(folder, "web") }],
          health: { http: web.url },
        },
      },
    }),
    prepare: (folder) => writeFile(pidfile(folder, "web"), `${running.pid}\n`),
  });
  await agent.converged();
  const pid = Number(/^(\d+)\n$/.exec(await readFile(pidfile(agent.folder, "sidekiq"), "utf8"))?.[1]);
  expect(pid).toBeGreaterThan(1);
  process.kill(pid, "SIGKILL");
  await rm(pidfile(agent.folder, "web"));
  const found = await check(agent);
  expect(found).toContainEqual(
    finding(
      "unit sidekiq",
      "FAIL",
      new RegExp(`its pidfile is stale: the process ${pid} .* is gone\\. .*start it`),
    ),
  );
  expect(found).toContainEqual(
    finding(
      "unit web",
      "FAIL",
      /it is healthy, but there is no readable pidfile .*, so nothing can signal it\. Restart/,
    ),
  );
});

test("a certificate that has expired", async () => {
  const folderOf = (folder: string) => path.join(folder, "certificates", "expired.example.org");
  await using agent = await startAgent({
    consul,
    environment: born("expired"),
    prepare: async (folder) => {
      await mkdir(folderOf(folder), { recursive: true });
      const made = await makeCertificates(folder, "127.0.0.1", "expired.example.org", -1);
      await copyFile(made.serverCertificate, path.join(folderOf(folder), "fullchain.pem"));
      await copyFile(made.serverKey, path.join(folderOf(folder), "privkey.pem"));
      await writeFile(path.join(folder, "site.hbs"), "{{#if certificate}}{{certificate}}{{/if}}\n");
    },
    config: (folder) => ({
      ...prefixed("expired"),
      paths: {
        keys: path.join(folder, "keys"),
        state: path.join(folder, "state"),
        mastodon: folder,
        certificates: path.join(folder, "certificates"),
      },
      files: { site: { template: path.join(folder, "site.hbs"), path: path.join(folder, "site.txt") } },
    }),
  });
  await problem(agent, "certificate_expired");
  const expired = /expired\.example\.org: its certificate (has )?expired on .*Renew it in/;
  const found = await check(agent);
  expect(found).toContainEqual(finding("certificate expired.example.org", "FAIL", expired));
  expect(found).toContainEqual(finding("problem certificate_expired", "FAIL", expired));
});

test("the lines of a live file that the first apply removes are shown by name, without values", async () => {
  await using agent = await startAgent({
    consul,
    environment: born("live"),
    config: prefixed("live"),
    prepare: async (folder) => {
      await consul.put("live/control/hold", "looking first");
      const lines = [
        "LOCAL_DOMAIN=live.example.org",
        "SMTP_SERVER=mail.elsewhere.example",
        "SINGLE_USER_MODE=a-hidden-value",
        "DATABASE_URL=postgres://hidden-value/x",
        "HOME_MADE=hidden-value",
        "WEB_CONCURRENCY=7",
      ];
      await writeFile(path.join(folder, ".env.production"), `${lines.join("\n")}\n`);
    },
  });
  await until("the agent to be held", async () => (await agent.status()).state === "held");
  const found = await check(agent);
  const removed = finding(
    "first apply",
    "warn",
    /removes the lines of WEB_CONCURRENCY, which .*consul kv put live\/env\/WEB_CONCURRENCY VALUE/,
  );
  expect(found).toContainEqual(removed);
  expect(found).toContainEqual(
    finding("first apply", "warn", /keeps what only that file says: SINGLE_USER_MODE, HOME_MADE;/),
  );
  expect(found).toContainEqual(
    finding("first apply", "warn", /line of DATABASE_URL, .*put settings\/DBHOST/),
  );
  expect(JSON.stringify(found)).not.toContain("hidden-value");

  await writeFile(agent.envFile, "LOCAL_DOMAIN=live.example.org\nSMTP_SERVER=mail.elsewhere.example\n");
  expect(await check(agent)).toContainEqual(
    finding("first apply", "ok", /^it removes no line of \S+; it changes SMTP_SERVER; a copy is kept in /),
  );
});

test("a configuration of the Consul client that Consul refuses", async () => {
  await using agent = await startAgent({ consul, environment: born("client"), config: prefixed("client") });
  await agent.converged();
  const template = path.join(agent.folder, "client.hbs");
  const file = path.join(agent.folder, "client.json");
  await writeFile(
    template,
    '{ "node_name": "{{NODENAME}}", "encrypt": "{{GOSSIPKEY}}", "data_dir": "/nonexistent", "no_such_thing": 1 }\n',
  );
  const changed = await withConfig(agent, async (config) => ({
    ...config,
    consul: { agent: "unit", binary: program("consul"), config_file: file },
    files: {
      consul: {
        template,
        path: file,
        check: [program("consul"), "validate", "-config-format=json", "{file}"],
      },
    },
  }));
  const found = await check(changed);
  expect(found).toContainEqual(finding(file, "FAIL", /no_such_thing.*Correct the setting or the template/));
  expect(JSON.stringify(found)).not.toContain(GOSSIP_KEY);
});

// Where nothing can be mounted there is no small disk to fill.
if (mayMount()) {
  test("a full or read-only Mastodon folder", async () => {
    await using disk = await smallDisk();
    const file = path.join(disk.path, ".env.production");
    await using agent = await startAgent({
      consul,
      environment: born("folder"),
      config: { ...prefixed("folder"), files: { env: { template: "env.production.hbs", path: file } } },
    });
    await agent.converged();
    await disk.fill();
    await consul.put("folder/settings/MAILPORT", "587");
    await problem(agent, "change_refused");
    const full = await check(agent);
    expect(full).toContainEqual(finding("mastodon storage", "FAIL", /it is full: 0 MiB free\. Make room/));
    expect(full).toContainEqual(finding(file, "FAIL", /cannot be written \(ENOSPC.*Make room/));
    expect((await readdir(disk.path)).sort()).toEqual([".env.production", "ballast"]);

    await disk.makeRoom();
    await agent.converged();
    await disk.remount("ro");
    const readOnly = await check(agent);
    expect(readOnly).toContainEqual(
      finding("mastodon storage", "FAIL", /may not write there \(EROFS\)\. .*mounted/),
    );
    expect(readOnly).toContainEqual(finding(file, "FAIL", /cannot be written \(EROFS/));
    await disk.remount("rw");
  });

  test("a full or read-only state folder, and one where no more files can be created", async () => {
    await using disk = await smallDisk();
    await using agent = await startAgent({
      consul,
      environment: born("state"),
      config: (folder) => ({
        ...prefixed("state"),
        paths: { keys: path.join(folder, "keys"), state: path.join(disk.path, "state"), mastodon: folder },
      }),
    });
    await agent.converged();
    await disk.fill();
    await consul.put("state/settings/MAILPORT", "587");
    await problem(agent, "state_not_written");
    const full = await check(agent);
    expect(full).toContainEqual(finding("state storage", "FAIL", /it is full: 0 MiB free\. Make room/));
    expect(full).toContainEqual(finding("problem state_not_written", "FAIL", /\/state: /));
    await disk.makeRoom();
    await agent.converged();
    await disk.remount("ro");
    expect(await check(agent)).toContainEqual(
      finding("state storage", "FAIL", /may not write there \(EROFS\)\. .*mounted/),
    );
    await disk.remount("rw");

    await using few = await smallDisk({ bytes: 128 * 1024 * 1024, inodes: 2 });
    await writeFile(path.join(few.path, "last"), "");
    const changed = await withConfig(agent, async (config) => ({
      ...config,
      paths: { ...config.paths, state: few.path },
    }));
    expect(await check(changed)).toContainEqual(
      finding("state storage", "FAIL", /no file can be written there \(ENOSPC.*Make room/),
    );
  });

  test("a read-only folder of keys, which is wrong only if keys are still to be created", async () => {
    await using disk = await smallDisk({ bytes: 128 * 1024 * 1024 });
    const keys = path.join(disk.path, "keys");
    await using agent = await startAgent({
      consul,
      environment: born("keys"),
      config: (folder) => ({
        ...prefixed("keys"),
        paths: { keys, state: path.join(folder, "state"), mastodon: folder },
      }),
    });
    await agent.converged();
    await disk.remount("ro");
    expect(await check(agent)).toContainEqual(
      finding("keys storage", "warn", /may not write there \(EROFS\); all keys are there/),
    );
    await agent.stop();
    const empty = await withConfig(agent, async (config) => ({
      ...config,
      paths: { ...config.paths, keys: path.join(disk.path, "other") },
    }));
    expect(await check(empty, { DOMAIN: "other.example.org" })).toContainEqual(
      finding("keys storage", "FAIL", /may not write there \(EROFS\)\. .*mounted/),
    );
    await disk.remount("rw");
  });
}

/** The same agent, seen through another configuration. */
async function withConfig(agent: TestAgent, change: (config: Config) => Promise<object>): Promise<TestAgent> {
  const configFile = path.join(agent.folder, "changed.yaml");
  const config: Config = parse(await readFile(agent.configFile, "utf8"));
  await writeFile(configFile, stringify(await change(config)));
  return { ...agent, configFile };
}

interface Config {
  readonly paths: object;
}

/** A program that answers everything with 200, at a free address if none is given. */
async function listenAt({ hostname, port }: { hostname: string; port: string } = ANYWHERE) {
  const server = createServer((_, response) => response.end("hello"));
  server.listen(Number(port), hostname);
  await once(server, "listening");
  const at = server.address();
  return {
    url: typeof at === "object" ? `http://${hostname}:${at?.port}/` : "",
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const ANYWHERE = { hostname: "127.0.0.1", port: "0" };

interface Finding {
  readonly title: string;
  readonly verdict: string;
  readonly messages: readonly string[];
}

/** Every finding of `check --probe --json`. */
async function check(
  agent: TestAgent,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Finding[]> {
  const { output } = await cli(agent, ["check", "--probe", "--json"], { env });
  return JSON.parse(output).findings;
}

function finding(title: string, verdict: "ok" | "warn" | "FAIL", message: RegExp) {
  return { title, verdict, messages: expect.arrayContaining([expect.stringMatching(message)]) };
}

/** Keys are pinned by domain, so each agent on this Consul has its own. */
function born(prefix: string) {
  return { ...HOSTS, DOMAIN: `${prefix}.example.org` };
}

function prefixed(prefix: string) {
  return { watch: { prefix } };
}

async function problem(agent: TestAgent, code: string): Promise<void> {
  await until(code, async () => {
    const { problems } = await agent.status();
    if (problems.some((each) => each.code === code)) return true;
    throw new Error(JSON.stringify(problems));
  });
}
