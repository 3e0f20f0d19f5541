import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type Mastodon, prepareMastodon } from "./world/mastodon.ts";
import { startPostgres } from "./world/postgres.ts";
import { startRedis } from "./world/redis.ts";
import { temporaryFolder } from "./world/temporary.ts";
import { until } from "./world/until.ts";

test("a hot restart of web reads the changed .env.production and refuses no request", async () => {
  await using folder = await temporaryFolder();
  await using mastodon = await prepareMastodon({ folder: folder.path });
  await put(mastodon, { SMTP_SERVER: "one.example.org" });
  await mastodon.start("web");
  expect((await mastodon.webEnv())["SMTP_SERVER"]).toBe("one.example.org");
  const pid = await mastodon.pid("web");

  await using requests = hammer(mastodon.healthUrls.web);
  await until("some requests", () => requests.answered() > 20);
  await put(mastodon, { SMTP_SERVER: "two.example.org" });
  process.kill(Number(pid), "SIGUSR2");
  await until("the new value", async () => (await mastodon.webEnv())["SMTP_SERVER"] === "two.example.org");
  const before = requests.answered();
  await until("some more requests", () => requests.answered() > before + 20);

  expect(requests.failures()).toEqual([]);
  expect(await mastodon.pid("web")).toBe(pid);
  expect(await mastodon.boots("web")).toBe(2);
});

test("web and sidekiq use the Postgres and the Redis that .env.production names, streaming and sidekiq come back with new values", async () => {
  await using folder = await temporaryFolder();
  await using one = await startRedis({ password: "it's a secret" });
  await using two = await startRedis();
  await using postgres = await startPostgres();
  await using mastodon = await prepareMastodon({ folder: folder.path });
  const database = {
    DB_HOST: postgres.host,
    DB_PORT: String(postgres.port),
    DB_NAME: postgres.database,
    DB_USER: postgres.user,
    DB_PASS: postgres.password,
  };
  await put(mastodon, { ...database, REDIS_PORT: String(one.port), REDIS_PASSWORD: "it's a secret" });
  await mastodon.start();

  expect(await mastodon.ask("/db")).toMatchObject({ port: String(postgres.port), standby: "f" });
  expect(await mastodon.ask("/redis")).toMatchObject({ port: String(one.port) });
  await mastodon.ask("/enqueue?first");
  await until("the first job", async () => (await mastodon.jobs()).includes("first"));

  await put(mastodon, { ...database, REDIS_PORT: String(two.port) });
  const pids = { sidekiq: await mastodon.pid("sidekiq"), streaming: await mastodon.pid("streaming") };
  process.kill(Number(pids.sidekiq), "SIGTSTP");
  process.kill(Number(pids.sidekiq), "SIGTERM");
  process.kill(Number(pids.streaming), "SIGTERM");
  const port = String(two.port);
  await until("sidekiq's new value", async () => (await mastodon.sidekiqEnv())["REDIS_PORT"] === port);
  await until("streaming's new value", async () => (await mastodon.streamingEnv())["REDIS_PORT"] === port);

  expect(await mastodon.pid("sidekiq")).not.toBe(pids.sidekiq);
  expect(await mastodon.pid("streaming")).not.toBe(pids.streaming);
  expect(await mastodon.boots("web")).toBe(1);
});

test("a unit gets what rc.conf.d puts into its process environment, and nothing of its starter's", async () => {
  await using folder = await temporaryFolder();
  await using mastodon = await prepareMastodon({ folder: folder.path });
  await put(mastodon, { LOCAL_DOMAIN: "example.org" });
  await mkdir(folder.file("rc.conf.d"));
  await writeFile(
    folder.file("rc.conf.d", "mastodon_web"),
    "mastodon_web_env='WEB_CONCURRENCY=1 MAX_THREADS=3'\n",
  );
  await mastodon.start("web");
  const environment = await mastodon.webEnv();
  expect(environment).toMatchObject({
    WEB_CONCURRENCY: "1",
    MAX_THREADS: "3",
    LOCAL_DOMAIN: "example.org",
  });
  expect(environment).not.toHaveProperty("VITEST");
});

async function put(mastodon: Mastodon, variables: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value}"\n`);
  const unfinished = `${mastodon.envFile}.new`;
  await writeFile(unfinished, lines.join(""));
  await chmod(unfinished, 0o600);
  await rename(unfinished, mastodon.envFile);
}

/** Asks again and again, and counts. */
function hammer(url: string) {
  const failures: unknown[] = [];
  let answered = 0;
  let stopping = false;
  const done = (async () => {
    while (!stopping) {
      try {
        const response = await fetch(url, { headers: { Connection: "close" } });
        if (response.status !== 200) failures.push(response.status);
        await response.text();
        answered += 1;
      } catch (error) {
        failures.push(error);
      }
    }
  })();
  return {
    answered: () => answered,
    failures: () => failures,
    [Symbol.asyncDispose]: () => {
      stopping = true;
      return done;
    },
  };
}
