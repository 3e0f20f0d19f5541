import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { profileDefaults } from "../../src/options/profiles.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const RULES = path.resolve("packaging/systemd/50-mastodon-agent.rules");
const SCRIPT = path.join(import.meta.dirname, "fixtures", "polkit.sh");

const asked: [user: string, unit: string, verb: string, answer: "yes" | "no"][] = [
  ["mastodon", "mastodon-web.service", "reload", "yes"],
  ["mastodon", "mastodon-sidekiq.service", "restart", "yes"],
  ["mastodon", "mastodon-streaming.service", "start", "yes"],
  ["mastodon", "consul.service", "restart", "yes"],
  ["mastodon", "mastodon-web.service", "stop", "no"],
  ["mastodon", "ssh.service", "restart", "no"],
  ["mastodon", "mastodon-web.socket", "start", "no"],
  ["somebody", "mastodon-web.service", "reload", "no"],
];

test("the rules name every unit that the profile for systemd starts, restarts or reloads", async () => {
  const units = JSON.stringify(profileDefaults("systemd", {})["units"]);
  const managed = [...units.matchAll(/"systemctl","(?:start|restart|reload)","([^"]+)"/g)].map(
    ([, unit]) => unit,
  );
  expect(managed).not.toEqual([]);
  const rules = await readFile(RULES, "utf8");
  for (const unit of managed) expect(rules).toContain(`"${unit}"`);
});

// In a mount namespace of its own, with users and rules of its own. Containers usually may not make one.
if (spawnSync("unshare", ["-m", "true"]).status === 0) {
  test("polkit lets mastodon start, restart and reload the units, and allows nothing else and nobody else", async () => {
    await using folder = await temporaryFolder();
    const questions = asked.flatMap((question) => question.slice(0, 3));
    const argv = ["-m", "--propagation", "private", "sh", SCRIPT, folder.path, RULES, ...questions];
    const answers = (await run("unshare", argv)).trim().split("\n");
    expect(asked.map(([user, unit, verb], index) => [user, unit, verb, answers[index]])).toEqual(asked);
  });
}
