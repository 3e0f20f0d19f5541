import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { UnitSpec } from "../../src/apply/config.ts";
import { type Mastodon, prepareMastodon } from "../world/mastodon.ts";
import { startRedis } from "../world/redis.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { entry, House, unit } from "./units.ts";

/** The steps of the jail, with a short wait for jobs since there are none. */
function unitsOf({ pidfiles, healthUrls, serviceArgv }: Mastodon): readonly UnitSpec[] {
  const start = (name: "web" | "sidekiq" | "streaming") => [{ run: serviceArgv(name, "start") }];
  const { web, sidekiq, streaming } = pidfiles;
  return [
    unit("web", {
      reload: [{ signal: "USR2", pidfile: web }],
      start: start("web"),
      health: { http: healthUrls.web, timeout: "10s" },
    }),
    unit("sidekiq", {
      reload: [{ signal: "TSTP", pidfile: sidekiq }, { wait: "100ms" }, { signal: "TERM", pidfile: sidekiq }],
      start: start("sidekiq"),
      health: { pidfile: sidekiq },
    }),
    unit("streaming", {
      reload: [{ signal: "TERM", pidfile: streaming }],
      start: start("streaming"),
      health: { http: healthUrls.streaming },
    }),
  ];
}

test("starts the real programs, moves them to new values, and rolls back one that puma cannot boot with", async () => {
  await using folder = await temporaryFolder();
  await using redis = await startRedis();
  await using mastodon = await prepareMastodon({ folder: folder.path });
  const env = entry(mastodon.envFile, { mode: "0640" });
  const house = new House(unitsOf(mastodon));
  const good = `REDIS_PORT=${redis.port}\n`;

  const actions = ["sidekiq", "web", "streaming"].map((name) => ({ unit: name, ok: true }));
  expect(await house.apply([[env, good]])).toMatchObject({ kind: "applied", deeds: { actions } });
  const pids = await Promise.all([mastodon.pid("web"), mastodon.pid("sidekiq"), mastodon.pid("streaming")]);

  expect(await house.apply([[env, `${good}SMTP_SERVER=two\n`]])).toMatchObject({
    kind: "applied",
    deeds: { actions },
  });
  const envs = await Promise.all([mastodon.webEnv(), mastodon.sidekiqEnv(), mastodon.streamingEnv()]);
  expect(envs.map((one) => one["SMTP_SERVER"])).toEqual(["two", "two", "two"]);
  expect(await mastodon.pid("web")).toBe(pids[0]);
  expect(await mastodon.pid("sidekiq")).not.toBe(pids[1]);
  expect(await mastodon.pid("streaming")).not.toBe(pids[2]);

  // Only web fails with it: sidekiq is not among the units of this house.
  const webOnly = new House(unitsOf(mastodon).filter(({ name }) => name === "web"));
  expect(await webOnly.apply([[env, good]])).toMatchObject({ kind: "applied" });
  expect(await webOnly.apply([[env, "REDIS_PORT=none\n"]])).toMatchObject({
    kind: "put_back",
    stage: "verify",
    unit: "web",
    undone: { files: [env.path], units: ["web"], errors: [] },
  });
  expect(await readFile(env.path, "utf8")).toBe(good);
  expect((await mastodon.webEnv())["REDIS_PORT"]).toBe(String(redis.port));
});

test("the answer of a puma reloaded through tmp/restart.txt counts only once it has looked at that file", async () => {
  await using folder = await temporaryFolder();
  await using redis = await startRedis();
  await using mastodon = await prepareMastodon({ folder: folder.path });
  await mkdir(folder.file("tmp"));
  const env = entry(mastodon.envFile, { mode: "0640" });
  const web = unit("web", {
    reload: [{ touch: join(folder.path, "tmp", "restart.txt") }],
    start: [{ run: mastodon.serviceArgv("web", "start") }],
    health: { http: mastodon.healthUrls.web, timeout: "10s" },
  });
  const house = new House([web]);
  const good = `REDIS_PORT=${redis.port}\n`;
  expect(await house.apply([[env, good]])).toMatchObject({ kind: "applied" });
  for (const server of ["two", "three"]) {
    expect(await house.apply([[env, `${good}SMTP_SERVER=${server}\n`]])).toMatchObject({ kind: "applied" });
    expect((await mastodon.webEnv())["SMTP_SERVER"]).toBe(server);
  }
  expect(await house.apply([[env, "REDIS_PORT=none\n"]])).toMatchObject({
    kind: "put_back",
    stage: "verify",
    unit: "web",
    undone: { files: [env.path], units: ["web"], errors: [] },
  });
  expect((await mastodon.webEnv())["SMTP_SERVER"]).toBe("three");
}, 120_000);
