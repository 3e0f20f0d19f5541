import { createServer } from "node:http";
import { afterAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probeS3 } from "../../src/probe/probe.ts";
import { makeCertificates } from "../world/certificates.ts";
import { freePort } from "../world/ports.ts";
import { startS3 } from "../world/s3.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { limits, verdict } from "./limits.ts";

const world = new AsyncDisposableStack();
const server = world.use(await startS3());
afterAll(() => world.disposeAsync());

const target = { ...server, region: "eu-central-1", secretKey: new Secret(server.secretKey) };

test("a bucket that the key may access is writable", async () => {
  expect(await probeS3(target, limits())).toEqual({ kind: "writable" });
});

test("a wrong secret and an unknown access key are refused by the server's own check of the signature", async () => {
  const wrong = { ...target, secretKey: new Secret("bucket-secret-2") };
  expect(await probeS3(wrong, limits())).toEqual({
    kind: "refused",
    code: "wrong_credentials",
    reason: 'refuses the access key, its secret, or access to the bucket "mastodon"',
  });
  expect(verdict(await probeS3({ ...target, accessKey: "nobody" }, limits()))).toBe("wrong_credentials");
});

test("a missing bucket is named", async () => {
  expect(await probeS3({ ...target, bucket: "mastodon-old" }, limits())).toEqual({
    kind: "refused",
    code: "no_such_bucket",
    reason: 'has no bucket "mastodon-old"',
  });
});

test("HTTPS is verified against the given authority", async () => {
  await using folder = await temporaryFolder("certificates");
  const certificates = await makeCertificates(folder.path, "127.0.0.1");
  await using secured = await startS3({ certificates });
  const secure = { ...target, scheme: "https", port: secured.port } as const;
  expect(await probeS3({ ...secure, caFile: certificates.ca }, limits())).toEqual({ kind: "writable" });
  expect(await probeS3(secure, limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringContaining("not trusted"),
  });
  expect(await probeS3({ ...secure, caFile: folder.file("missing.pem") }, limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringContaining("missing.pem: cannot be read (ENOENT)"),
  });
  expect(await probeS3({ ...secure, port: server.port }, limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringContaining("fails the TLS handshake"),
  });
  expect(verdict(await probeS3({ ...secure, scheme: "http" }, limits()))).toBe("unreachable");
});

test("a port where nothing listens is unreachable", async () => {
  expect(await probeS3({ ...target, port: await freePort() }, limits())).toEqual({
    kind: "unreachable",
    reason: "refuses connections: nothing listens there",
  });
});

// What a bucket in another region, an overloaded server and a clock that is off answer: not to be had from the real one.
test.each([
  [301, {}, "no_such_bucket", "elsewhere"],
  [400, {}, "wrong_credentials", "status 400"],
  [403, { date: "Thu, 01 Jan 2015 00:00:00 GMT" }, "wrong_credentials", "clock"],
  [429, {}, "not_ready", "status 429"],
  [503, {}, "not_ready", "status 503"],
])("a response with status %i is reported as what it is", async (status, headers, code, reason) => {
  const front = createServer((_request, response) => response.writeHead(status, headers).end());
  const port = await freePort();
  await new Promise<void>((resolve) => front.listen(port, "127.0.0.1", resolve));
  try {
    expect(await probeS3({ ...target, port }, limits())).toMatchObject({
      code,
      reason: expect.stringContaining(reason),
    });
  } finally {
    front.close();
  }
});
