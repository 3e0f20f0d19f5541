import { expect, test } from "vitest";
import { AGENT, startAgent, type TestAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startPostgres } from "../world/postgres.ts";
import { startRedis } from "../world/redis.ts";
import { startS3 } from "../world/s3.ts";
import { startSmtp } from "../world/smtp.ts";
import { start } from "../world/spawn.ts";

test("check --probe tries every backend with Mastodon's credentials and says what is wrong with each", async () => {
  await using consul = await startConsul();
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  await using s3 = await startS3();
  await using smtp = await startSmtp();
  await using agent = await startAgent({
    consul,
    environment: {
      DBHOST: postgres.host,
      DBPORT: String(postgres.port),
      DBPASS: postgres.password,
      REDISHOST: redis.host,
      REDISPORT: String(redis.port),
      BUCKETHOST: s3.host,
      BUCKETPORT: String(s3.port),
      BUCKETSCHEME: s3.scheme,
      BUCKETNAME: s3.bucket,
      BUCKETUSER: s3.accessKey,
      BUCKETPASS: s3.secretKey,
      MAILHOST: smtp.host,
      MAILPORT: String(smtp.port),
      MAILUSER: smtp.user,
      MAILPASS: smtp.password,
    },
  });
  await agent.converged();
  const good = await check(agent);
  for (const name of ["postgres", "redis", "s3", "smtp"]) {
    expect(good.output).toMatch(new RegExp(`ok +${name} 127\\.0\\.0\\.1:\\d+: Mastodon can work with it`));
  }
  expect(good.code).toBe(0);

  await consul.put("mastodon/settings/MAILPASS", "a-wrong-password");
  await consul.put("mastodon/settings/BUCKETNAME", "no-such-bucket");
  const bad = await check(agent);
  expect(bad.output).toMatch(/FAIL +s3 .*bucket/);
  expect(bad.output).toMatch(/FAIL +smtp .*password/);
  expect(bad.output).toMatch(/ok +postgres/);
  expect(bad.output).not.toContain("a-wrong-password");
  expect(bad.code).toBe(69);
});

async function check(agent: TestAgent): Promise<{ output: string; code: number | null }> {
  const env = { PATH: process.env["PATH"] ?? "", ...agent.environment };
  await using running = await start(
    process.execPath,
    [AGENT, "check", "--probe", "--config", agent.configFile],
    { onlyEnv: env },
  );
  const { code } = await running.exited;
  return { output: running.output(), code };
}
