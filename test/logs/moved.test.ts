import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { unitProcess } from "../../src/apply/pidfile.ts";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { program } from "../world/programs.ts";
import { startSyslog } from "../world/syslog.ts";
import { answers, logTo, placesIn } from "../world/syslog-ng.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { numbered, syslogNgIn } from "./sender.ts";

test("syslog-ng follows REMOTELOG: started with the first, reloaded with the next, and waiting messages go along", async () => {
  await using consul = await startConsul();
  await using first = await startSyslog("127.0.0.1");
  await using second = await startSyslog("127.0.0.2", first.port);
  await using folder = await temporaryFolder("jail");
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (own) => config(own, folder, first.port),
  });
  await using _daemon = stoppedByItsPid(folder);
  await agent.converged();
  await expect(access(folder.file("pid")), "nothing to send to, nothing started").rejects.toThrow();

  await consul.put("mastodon/settings/REMOTELOG", first.host);
  await until("syslog-ng to run", () => answers(folder));
  await logTo(folder.file("log"), "mastodon_web", ["to the first"]);
  await until("a line at the first", async () => (await textsAt(first)).includes("to the first"));
  await agent.converged();
  const pid = await readFile(folder.file("pid"), "utf8");

  await first.stop();
  const waiting = numbered("waiting", 0, 200);
  await logTo(folder.file("log"), "mastodon_web", waiting);
  await consul.put("mastodon/settings/REMOTELOG", second.host);
  await until("what waited at the second", async () => {
    const texts = new Set(await textsAt(second));
    expect(waiting.filter((text) => !texts.has(text))).toEqual([]);
    return true;
  });
  await logTo(folder.file("log"), "mastodon_web", ["to the second"]);
  await until("a line at the second", async () => (await textsAt(second)).includes("to the second"));
  expect(await readFile(folder.file("pid"), "utf8"), "reloaded, not restarted").toBe(pid);
  await agent.converged();
});

test("a change that syslog-ng does not accept is not written, and the old one stays in force", async () => {
  await using consul = await startConsul();
  await using folder = await temporaryFolder("jail");
  const wrong = { ...syslogNgIn(folder, 601), buffer_bytes: "plenty" };
  await using agent = await startAgent({
    consul,
    environment: { ...HOSTS, REMOTELOG: "127.0.0.1" },
    config: (own) => ({
      ...config(own, folder, 601),
      values: { syslog_ng: wrong, nginx: { log: folder.path } },
    }),
  });
  await until("the refusal", async () => {
    const { problems } = await agent.status();
    expect(problems.map(({ message }) => message).join("\n")).toContain("syslog-ng");
    return true;
  });
  await expect(access(folder.file("syslog-ng.conf"))).rejects.toThrow();
});

async function textsAt(server: {
  received(): Promise<readonly { text: string }[]>;
}): Promise<readonly string[]> {
  return (await server.received()).map(({ text }) => text);
}

function config(own: string, folder: TemporaryFolder, port: number) {
  const pidfile = folder.file("pid");
  return {
    files: {
      env: { template: "env.production.hbs", path: path.join(own, ".env.production"), mode: "0640" },
      syslog_ng: {
        template: "syslog-ng.conf.hbs",
        path: folder.file("syslog-ng.conf"),
        mode: "0644",
        check: [program("syslog-ng"), "--syntax-only", "--no-caps", "--cfgfile", "{file}"],
        units: ["syslog-ng"],
        when: "REMOTELOG",
      },
    },
    units: {
      "syslog-ng": {
        reload: [{ signal: "HUP", pidfile }],
        start: [
          { run: [program("syslog-ng"), "--no-caps", "--process-mode=background", ...placesIn(folder)] },
        ],
        health: { pidfile, timeout: "30s" },
      },
    },
    values: { syslog_ng: syslogNgIn(folder, port), nginx: { log: folder.path } },
  };
}

/** It was started by the agent, as a daemon. */
function stoppedByItsPid(folder: TemporaryFolder): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      const found = await unitProcess(folder.file("pid"));
      if (found?.kind !== "alive") return;
      process.kill(found.process.pid, "SIGTERM");
      await until("syslog-ng to end", async () => (await unitProcess(folder.file("pid")))?.kind !== "alive");
    },
  };
}
