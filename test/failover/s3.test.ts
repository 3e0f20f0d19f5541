import { expect, test } from "vitest";
import { HOSTS } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { startRedis } from "../world/redis.ts";
import { type S3Server, startS3 } from "../world/s3.ts";
import { until } from "../world/until.ts";
import { type Site, startSite } from "./site.ts";

const { BUCKETHOST: _, ...OTHER_HOSTS } = HOSTS;

test("an S3 move reloads web and sidekiq but not streaming, and only goes where the key may use the bucket", async () => {
  await using consul = await startConsul();
  await using redis = await startRedis();
  await using one = await startS3();
  await using without = await startS3({ bucket: "another" });
  await using two = await startS3();
  await consul.register(entryOf("s3-1", one));
  await using site = await startSite({
    consul,
    environment: {
      ...OTHER_HOSTS,
      REDISHOST: redis.host,
      REDISPORT: String(redis.port),
      BUCKETUSER: one.accessKey,
      BUCKETPASS: one.secretKey,
    },
    config: {
      dependencies: {
        postgres: { probe: false, service: "" },
        redis: { service: "" },
        s3: { probe: true },
        smtp: { probe: false },
      },
    },
  });
  expect(await site.variables()).toMatchObject({ S3_ENDPOINT: urlOf(one) });
  const [bytes, boots] = [await site.bytes(), await site.boots()];

  await consul.put("mastodon/settings/BUCKETPASS", "not-the-secret");
  await problem(site, /s3: .*knows the access key, but refuses its secret/);
  await consul.delete("mastodon/settings/BUCKETPASS");
  await site.agent.converged();

  await consul.register(entryOf("s3-2", without));
  await consul.setCheck(entryOf("s3-1", one), "critical");
  await problem(site, /s3: .*:\d+ is not used, because it has no bucket "mastodon"/);
  expect(await site.bytes()).toBe(bytes);
  expect(await site.boots()).toEqual(boots);

  await consul.register(entryOf("s3-3", two));
  await until("the move", async () => (await site.variables())["S3_ENDPOINT"] === urlOf(two));
  const { problems, last_change } = await site.agent.converged();
  expect(problems).toEqual([]);
  expect(last_change).toMatchObject({ outcome: "applied", units: ["web", "sidekiq"] });
  expect(await site.variables()).toMatchObject({ S3_ALIAS_HOST: "files.example.org" });
  expect((await site.mastodon.webEnv())["S3_ENDPOINT"]).toBe(urlOf(two));
  expect(await site.boots()).toEqual({ ...boots, web: boots.web + 1, sidekiq: boots.sidekiq + 1 });
}, 90_000);

function entryOf(id: string, { scheme, host, port }: S3Server) {
  return { id, service: "s3", address: host, port, meta: { scheme } } as const;
}

function urlOf({ scheme, host, port }: S3Server): string {
  return `${scheme}://${host}:${port}`;
}

async function problem({ agent }: Site, message: RegExp): Promise<void> {
  await until(`a problem like ${message}`, async () => {
    const { problems } = await agent.status();
    return problems.some((one) => one.code === "probe_failed" && message.test(one.message));
  });
}
