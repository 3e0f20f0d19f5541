import { createServer } from "node:http";
import { expect, test } from "vitest";
import { probeOnce } from "../../src/agent/probes.ts";
import { makeTarget } from "../../src/settings/targets.ts";
import { resolving } from "../probe/resolving.ts";
import { freePort } from "../world/ports.ts";

const BUCKET = {
  BUCKETHOST: "s3.example.org",
  BUCKETSCHEME: "http",
  BUCKETNAME: "mastodon",
  BUCKETUSER: "key",
  BUCKETPASS: "bucket-secret-1",
  BUCKETREGION: "eu-central-1",
};

test.each([
  ["by path", undefined, "s3.example.org", "/mastodon"],
  ["by path where that is said", "false", "s3.example.org", "/mastodon"],
  ["by host with S3_OVERRIDE_PATH_STYLE", "true", "mastodon.s3.example.org", "/"],
])("the bucket is asked for as Mastodon would: %s", async (_, override, host, path) => {
  const port = String(await freePort());
  const asked: string[] = [];
  const server = createServer(({ headers, url }, response) => {
    asked.push(`${headers.host}${url}`);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
  using _names = resolving((name) => (name === host ? "127.0.0.1" : undefined));
  const parts = { ...BUCKET, BUCKETPORT: port, ...(override && { S3_OVERRIDE_PATH_STYLE: override }) };
  const wishes = Object.entries(parts).map(
    ([name, value]) => [name, { level: "shared", where: "test", value }] as const,
  );
  const result = await probeOnce(makeTarget("s3", new Map(wishes)), new AbortController().signal);
  server.close();
  expect(result).toEqual({ kind: "writable" });
  expect(asked).toEqual([`${host}:${port}${path}`]);
});
