import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { AGENT, HOSTS, JAIL } from "../world/agent.ts";
import { freePorts } from "../world/ports.ts";
import { run } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const FIXTURES = path.join(import.meta.dirname, "fixtures");

/** A script of packaging/freebsd, on stand-ins for what is FreeBSD's alone: rc.subr and daemon(8). */
interface RcScript extends AsyncDisposable {
  service(verb: string): Promise<string>;
}

test("the agent's rc script starts it, reports its status, makes it reread its files, and stops it", async () => {
  await using folder = await temporaryFolder("rc");
  const [httpPort = 0, consulPort = 0] = await freePorts(2);
  const parameters = folder.file("environment.sh");
  const log = folder.file("agent.log");
  await write(parameters, { ...JAIL, ...HOSTS, CONSUL_HTTP_ADDR: `127.0.0.1:${consulPort}` });
  await chmod(parameters, 0o644);
  await writeFile(folder.file("agent.yaml"), stringify(config(folder, httpPort)));
  await using agent = await script(folder, "mastodon_agent", {
    mastodon_agent_config: folder.file("agent.yaml"),
    mastodon_agent_parameters: parameters,
    mastodon_agent_log: log,
  });
  expect(await agent.service("start")).toMatch(/^Cannot 'start' mastodon_agent. Set mastodon_agent_enable/);

  await agent.service("onestart");
  await until("the agent's page", async () => (await fetch(`http://127.0.0.1:${httpPort}/health`)).ok);
  expect(await agent.service("status")).toMatch(/^mastodon_agent is running as pid \d+\.\n$/);
  expect((await stat(parameters)).mode & 0o777, "pot writes it for all to read").toBe(0o600);
  expect((await stat(log)).mode & 0o777).toBe(0o640);

  await write(parameters, { ...JAIL, ...HOSTS, CONSUL_HTTP_ADDR: `127.0.0.1:${consulPort}`, DBPORT: "6432" });
  await agent.service("onereload");
  await until("the reload", async () => (await readFile(log, "utf8")).includes("configuration read again"));
  expect(await agent.service("onecheck").catch(String), "all is well but Consul, which is not there").toMatch(
    /ok +permissions[\s\S]*FAIL +consul/,
  );

  await agent.service("stop");
  await expect(agent.service("status")).rejects.toThrow("mastodon_agent is not running.");
  await expect(fetch(`http://127.0.0.1:${httpPort}/health`)).rejects.toThrow();
  expect(
    (await readFile(log, "utf8")).trimEnd().split("\n").length,
    "its output is in the log",
  ).toBeGreaterThan(3);
});

test.each([
  ["web", ["RAILS_ENV=production", "PORT=3000"]],
  ["sidekiq", ["RAILS_ENV=production"]],
  ["streaming", ["NODE_ENV=production", "PORT=4000"]],
])("the rc script of %s passes on what the agent renders for it", async (unit, own) => {
  await using folder = await temporaryFolder("rc");
  await mkdir(folder.file("mastodon"));
  const seen = folder.file("seen");
  await writeFile(
    folder.file("program"),
    `#!/bin/sh\n{ pwd; env; } >${seen}.new; mv ${seen}.new ${seen}; exec sleep 60\n`,
    {
      mode: 0o755,
    },
  );
  const name = `mastodon_${unit}`;
  await using rc = await script(folder, name, {
    [`${name}_chdir`]: folder.file("mastodon"),
    [`${name}_env`]: "WEB_CONCURRENCY=3 MALLOC_ARENA_MAX=4",
  });
  await rc.service("onestart");
  const lines = (await until("the program", () => readFile(seen, "utf8"))).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([folder.file("mastodon"), ...own, "WEB_CONCURRENCY=3", "MALLOC_ARENA_MAX=4"]),
  );
  expect(await rc.service("status")).toMatch(new RegExp(`^${name} is running`));
  expect(await readFile(folder.file("run", "mastodon", `${unit}.pid`), "utf8")).toMatch(/^\d+\n$/);
  await rc.service("stop");
  await expect(rc.service("status")).rejects.toThrow("is not running");
});

test.each([
  [
    "waits for the program, whether or not daemon(8) does",
    "hasty",
    "touch SEEN; trap 'sleep 1; rm ALIVE; exit' TERM; while :; do sleep 0.1; done",
  ],
  [
    "tells daemon(8) again if it was between two runs",
    "deaf",
    "trap 'rm ALIVE; exit' TERM; sleep 0.5; rm ALIVE; touch SEEN",
  ],
])("a stop %s", async (_, daemon, rest) => {
  await using folder = await temporaryFolder("rc");
  await mkdir(folder.file("mastodon"));
  const alive = folder.file("alive");
  const seen = folder.file("seen");
  const body = `touch ${alive}\n${rest.replaceAll("ALIVE", alive).replaceAll("SEEN", seen)}`;
  await writeFile(folder.file("program"), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const chdir = { mastodon_web_chdir: folder.file("mastodon") };
  await using rc = await script(folder, "mastodon_web", chdir, { DAEMON: daemon });
  await rc.service("onestart");
  await until("the program", () => stat(seen));
  expect(await rc.service("onestop")).toBe("Stopping mastodon_web.\n");
  await expect(stat(alive), "the program has ended").rejects.toThrow("ENOENT");
  await expect(rc.service("status")).rejects.toThrow("is not running");
  await expect(rc.service("onestop")).rejects.toThrow("is not running");
});

async function script(
  folder: TemporaryFolder,
  name: string,
  variables: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<RcScript> {
  const file = folder.file(name);
  await mkdir(folder.file("bin"));
  await mkdir(folder.file("run"));
  await writeFile(
    folder.file("bin", "mastodon-agent"),
    `#!/bin/sh\nexec ${process.execPath} ${AGENT} "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const text = (await readFile(path.join("packaging", "freebsd", name), "utf8"))
    .replace("/etc/rc.subr", path.join(FIXTURES, "rc.subr"))
    .replace("/usr/sbin/daemon", `sh ${path.join(FIXTURES, "daemon.sh")}`)
    .replace("/var/run/", `${folder.file("run")}/`)
    .replace("PATH=/sbin:", `PATH=${folder.file("bin")}:/sbin:`)
    .replace(/\/usr\/local\/bin\/(bundle|node) [^"]+/, folder.file("program"));
  await writeFile(file, text);
  const { username } = userInfo();
  const given = { [`${name}_user`]: username, ...variables };
  const conf = Object.entries(given).map(([variable, value]) => `${variable}='${value}'\n`);
  await writeFile(folder.file("rc.conf"), conf.join(""));
  const onlyEnv = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", RC_CONF: folder.file("rc.conf"), ...environment };
  const service = (verb: string) => run("sh", [file, verb], { onlyEnv });
  return {
    service,
    [Symbol.asyncDispose]: async () => void (await service("stop").catch(() => "")),
  };
}

async function write(file: string, variables: Readonly<Record<string, string>>): Promise<void> {
  await writeFile(
    file,
    Object.entries(variables).map(([name, value]) => `export "${name}=${value}"\n`),
  );
}

function config(folder: TemporaryFolder, httpPort: number): object {
  return {
    profile: "none",
    paths: { keys: folder.file("keys"), state: folder.file("state"), mastodon: folder.path },
    keys: { require_mount: "" },
    http: `127.0.0.1:${httpPort}`,
  };
}
