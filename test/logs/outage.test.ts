import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { startSyslog } from "../world/syslog.ts";
import { until } from "../world/until.ts";
import { numbered, startSender } from "./sender.ts";

test("a receiver that goes away and comes back has missed nothing, across reloads and restarts here", async () => {
  await using receiver = await startSyslog();
  await using sender = await startSender(receiver);
  await sender.log("mastodon_web", numbered("before", 0, 10));
  const texts = async () => (await receiver.received()).map(({ text }) => text);
  await until(
    "the first ten",
    async () => (await texts()).filter((text) => text.startsWith("before")).length === 10,
  );

  await receiver.stop();
  await sender.log("mastodon_web", numbered("line", 0, 300));
  sender.daemon.reload();
  await sender.log("mastodon_sidekiq", numbered("line", 300, 500));
  await sender.append("access.log", numbered("line", 500, 600));
  await sender.daemon.stop();
  // What programs write while nobody runs here is in the files, and nowhere else.
  await sender.append("access.log", numbered("line", 600, 800));
  await sender.daemon.start();
  await sender.log("mastodon_streaming", numbered("line", 800, 1000));
  await receiver.start();

  await until(
    "all that was written",
    async () => {
      const arrived = new Set(await texts());
      expect(numbered("line", 0, 1000).filter((line) => !arrived.has(line))).toEqual([]);
      return true;
    },
    60_000,
  );
  const all = (await texts()).filter((text) => text.startsWith("line"));
  expect(all.length - new Set(all).size, "lines that came twice").toBe(0);
  expect((await readdir(sender.folder.path)).filter((name) => name.endsWith(".rqf"))).toHaveLength(1);
});
