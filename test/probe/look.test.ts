import { join } from "node:path";
import { expect, test } from "vitest";
import type { ProbeResult } from "../../src/probe/result.ts";
import { startPostgres } from "../world/postgres.ts";
import { startRedis } from "../world/redis.ts";
import { startS3 } from "../world/s3.ts";
import { startSmtp } from "../world/smtp.ts";
import { run } from "../world/spawn.ts";
import { until } from "../world/until.ts";
import { PROBES } from "./kinds.ts";
import { limits } from "./limits.ts";
import { startSilence } from "./silence.ts";

const KINDS = Object.entries(PROBES);
const ABORTED = join(import.meta.dirname, "fixtures", "aborted.ts");
/** More answers than any of these conversations has. */
const MANY_CHUNKS = 40;

test.each(KINDS)(
  "%s: a server that accepts the connection but says nothing is unreachable in time",
  async (_kind, probe) => {
    await using server = await startSilence();
    expect(await probe(server, limits(500))).toMatchObject({
      kind: "unreachable",
      reason: expect.stringMatching(/^does not answer within \d+ ms/),
    });
    expect(server.total()).toBeLessThanOrEqual(1);
    await until("the connection to be closed", () => server.open() === 0);
  },
);

test.each(KINDS)("%s: an aborted probe rejects with the reason and leaves nothing behind", async (kind) => {
  expect(await run(process.execPath, [ABORTED, kind])).toBe("the world moved on\n");
});

test.each(KINDS)("%s: a probe aborted before it begins opens no connection", async (_kind, probe) => {
  await using server = await startSilence();
  const signal = AbortSignal.abort(new Error("the world moved on"));
  await expect(probe(server, { ...limits(), signal })).rejects.toThrow("the world moved on");
  expect(server.total()).toBe(0);
});

test.each([
  ["postgres", PROBES.postgres, () => startPostgres({ password: "db-secret-1" })],
  ["redis", PROBES.redis, () => startRedis({ password: "redis-secret-1" })],
  ["s3", PROBES.s3, () => startS3()],
  ["smtp", PROBES.smtp, () => startSmtp()],
])(
  "%s: a server that falls silent after any of its answers but the last is unreachable",
  async (_kind, probe, start) => {
    await using real = await start();
    const results: ProbeResult[] = [];
    while (results.at(-1)?.kind !== "writable" && results.length < MANY_CHUNKS) {
      await using server = await startSilence({ port: real.port, chunks: results.length });
      results.push(await probe(server, limits(250)));
      await until("the connection to be closed", () => server.open() === 0);
    }
    expect(results.at(-1)).toMatchObject({ kind: "writable" });
    expect(results.slice(0, -1).every((result) => result.kind === "unreachable")).toBe(true);
  },
);

test.each([
  ["postgres", PROBES.postgres],
  ["redis", PROBES.redis],
  ["s3", PROBES.s3],
])("%s: a server of another kind is unreachable", async (_kind, probe) => {
  await using other = await startSmtp();
  expect((await probe(other, limits(500))).kind).toBe("unreachable");
});
