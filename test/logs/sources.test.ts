import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { startNginx } from "../world/nginx.ts";
import { freePort } from "../world/ports.ts";
import { startSyslog } from "../world/syslog.ts";
import { until } from "../world/until.ts";
import { numbered, startSender } from "./sender.ts";

test("what the system, Mastodon, nginx and the agent log arrives with its origin", async () => {
  await using receiver = await startSyslog();
  await using sender = await startSender(receiver);
  await sender.log("cron", ["a line of the system"]);
  for (const unit of ["mastodon_web", "mastodon_sidekiq", "mastodon_streaming"])
    await sender.log(unit, [`${unit} is up`]);
  await sender.append("mastodon-agent.log", ['{"level":"info","msg":"change applied"}']);
  await askNginx(sender.folder.path);
  const lines = await until("all of it", async () => {
    const received = await receiver.received();
    const found = [
      { program: "cron", text: "a line of the system", facility: "daemon", severity: "notice" },
      { program: "mastodon_web", text: "mastodon_web is up" },
      { program: "mastodon_sidekiq", text: "mastodon_sidekiq is up" },
      { program: "mastodon_streaming", text: "mastodon_streaming is up" },
      { program: "nginx", text: expect.stringContaining('"GET /hello HTTP/1.1" 40'), severity: "info" },
      { program: "nginx", text: expect.stringContaining("root/hello"), severity: "warning" },
      { program: "mastodon-agent", level: "info", msg: "change applied" },
    ];
    expect(received).toEqual(
      expect.arrayContaining(found.map((line) => expect.objectContaining({ host: "jail1", ...line }))),
    );
    return received;
  });
  expect(lines.filter(({ program }) => program === "mastodon_web")).toHaveLength(1);
  const local = await readFile(sender.folder.file("messages"), "utf8");
  expect(local).toContain("mastodon_web is up");
});

test("the socket understands both forms of syslog", async () => {
  await using receiver = await startSyslog();
  await using sender = await startSender(receiver);
  await sender.log("older", ["as BSD writes it"], "local");
  await sender.log("newer", ["as FreeBSD 12 and later write it: ünïcode"], "rfc5424");
  await until("both", async () => {
    expect(await receiver.received()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ program: "older", text: "as BSD writes it" }),
        expect.objectContaining({
          program: "newer",
          text: expect.stringMatching(/as FreeBSD 12 and later write it: ünïcode$/),
        }),
      ]),
    );
    return true;
  });
});

test("a rotated log file is read to its end, and then the new one", async () => {
  await using receiver = await startSyslog();
  await using sender = await startSender(receiver);
  const file = sender.folder.file("mastodon-agent.log");
  await sender.append("mastodon-agent.log", numbered("old", 0, 50));
  await until("the first", async () => (await receiver.received()).some(({ text }) => text === "old 0"));
  await sender.append("mastodon-agent.log", numbered("old", 50, 100));
  await rename(file, `${file}.0`);
  await sender.append("mastodon-agent.log", numbered("new", 0, 100));
  await until("both", async () => {
    const texts = new Set((await receiver.received()).map(({ text }) => text));
    const written = [...numbered("old", 0, 100), ...numbered("new", 0, 100)];
    expect(written.filter((text) => !texts.has(text))).toEqual([]);
    return true;
  });
});

test("every user may log", async () => {
  await using sender = await startSender({ host: "127.0.0.1", port: await freePort() });
  expect((await stat(sender.folder.file("log"))).mode & 0o777).toBe(0o666);
});

/** A real nginx answers one request for something that is not there. */
async function askNginx(folder: string): Promise<void> {
  const port = await freePort();
  const root = `${folder}/root`;
  await mkdir(root);
  const configuration = `${folder}/nginx.conf`;
  await writeFile(
    configuration,
    `pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {}
http {
  access_log ${folder}/access.log;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`,
  );
  const ready = `http://127.0.0.1:${port}/`;
  await using _nginx = await startNginx({ configuration, prefix: folder, ready });
  await fetch(`${ready}hello`);
}
