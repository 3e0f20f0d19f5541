import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { afterAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probeS3 } from "../../src/probe/probe.ts";
import { makeCertificates } from "../world/certificates.ts";
import { freePort } from "../world/ports.ts";
import { startS3 } from "../world/s3.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { limits, verdict } from "./limits.ts";
import { resolving } from "./resolving.ts";

const world = new AsyncDisposableStack();
const server = world.use(await startS3());
afterAll(() => world.disposeAsync());

const FORBIDDEN = 403;
const target = {
  ...server,
  path: `/${server.bucket}`,
  region: "eu-central-1",
  secretKey: new Secret(server.secretKey),
};

test("a bucket that the key may access is writable", async () => {
  expect(await probeS3(target, limits())).toEqual({ kind: "writable" });
});

test("a wrong secret and an unknown access key are told apart by the server's own check of the signature", async () => {
  const wrong = { ...target, secretKey: new Secret("bucket-secret-2") };
  expect(await probeS3(wrong, limits())).toMatchObject({
    code: "wrong_credentials",
    reason: expect.stringContaining("knows the access key, but refuses its secret"),
    cure: expect.stringContaining("BUCKETPASS"),
  });
  expect(await probeS3({ ...target, accessKey: "nobody" }, limits())).toMatchObject({
    code: "wrong_credentials",
    reason: "does not know the access key",
  });
});

test("a bucket known by host name is asked for by that name, with a signature for it", async () => {
  // s3rver finds buckets by host, but checks their signatures as if they were found by path.
  const hosts: (string | undefined)[] = [];
  await using front = await standIn((request, response) => {
    hosts.push(request.headers.host);
    const isOurs = request.headers.authorization?.endsWith(signatureOf(request, server.secretKey));
    response.writeHead(isOurs ? 200 : FORBIDDEN).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
  });
  using _ = resolving((name) => (name === "mastodon.s3.example.org" ? "127.0.0.1" : undefined));
  const byHost = { ...target, port: front.port, host: "mastodon.s3.example.org", path: "" };
  expect(await probeS3(byHost, limits())).toEqual({ kind: "writable" });
  expect(hosts).toEqual([`mastodon.s3.example.org:${front.port}`]);
  const wrong = { ...byHost, secretKey: new Secret("bucket-secret-2") };
  expect(await probeS3(wrong, limits())).toMatchObject({
    reason: expect.stringContaining("refuses its secret"),
  });
  expect(await probeS3({ ...byHost, host: "media.s3.example.org" }, limits())).toMatchObject({
    kind: "unreachable",
    reason: "has a name that cannot be resolved (ENOTFOUND)",
    cure: expect.stringContaining("S3_OVERRIDE_PATH_STYLE makes Mastodon ask media.s3.example.org"),
  });
});

test("a missing bucket is named", async () => {
  expect(await probeS3({ ...target, bucket: "mastodon-old", path: "/mastodon-old" }, limits())).toEqual({
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

// What servers say to a key that may not list the bucket, and what they say otherwise: s3rver knows no policies.
test.each([
  [
    "a key that may not list",
    "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    "writable",
  ],
  [
    "a key that Garage does not know",
    "<Error><Code>AccessDenied</Code><Message>Forbidden: No such key: GK1</Message></Error>",
    "does not know the access key",
  ],
  [
    "a secret that Garage refuses",
    "<Error><Code>AccessDenied</Code><Message>Forbidden: Invalid signature</Message></Error>",
    "refuses its secret",
  ],
  ["an unknown key", "<Error><Code>InvalidAccessKeyId</Code></Error>", "does not know the access key"],
  ["a wrong secret", "<Error><Code>SignatureDoesNotMatch</Code></Error>", "refuses its secret"],
  ["a missing bucket", "<Error><Code>NoSuchBucket</Code></Error>", 'has no bucket "mastodon"'],
  ["a clock that is off", "<Error><Code>RequestTimeTooSkewed</Code></Error>", "clock"],
  [
    "another region",
    "<Error><Code>AuthorizationHeaderMalformed</Code></Error>",
    "another region than eu-central-1",
  ],
  [
    "a code of its own",
    "<Error><Code>AccountProblem</Code></Error>",
    "refuses the access key, its secret, or access",
  ],
  ["no S3 error", "<html>Forbidden</html>", "refuses the access key, its secret, or access"],
  ["an answer without end", "x".repeat(1_000_000), "refuses the access key, its secret, or access"],
])("status 403 to HEAD is explained by what GET says: %s", async (_, body, reason) => {
  const methods: string[] = [];
  await using front = await standIn((request, response) => {
    methods.push(request.method ?? "");
    response.writeHead(FORBIDDEN).end(request.method === "HEAD" ? undefined : body);
  });
  const result = await probeS3({ ...target, port: front.port }, limits());
  expect("reason" in result ? result.reason : result.kind).toContain(reason);
  expect(methods).toEqual(["HEAD", "GET"]);
});

// What a bucket in another region, an overloaded server and a clock that is off answer: not to be had from the real one.
test.each([
  [301, {}, "no_such_bucket", "elsewhere"],
  [400, {}, "wrong_credentials", "status 400"],
  [403, { date: "Thu, 01 Jan 2015 00:00:00 GMT" }, "wrong_credentials", "clock"],
  [429, {}, "not_ready", "status 429"],
  [503, {}, "not_ready", "status 503"],
])("a response with status %i is reported as what it is", async (status, headers, code, reason) => {
  await using front = await standIn((_request, response) => response.writeHead(status, headers).end());
  expect(await probeS3({ ...target, port: front.port }, limits())).toMatchObject({
    code,
    reason: expect.stringContaining(reason),
  });
});

async function standIn(answer: RequestListener): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer(answer);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

/** Signature version 4 as Amazon documents it, of a request without a body. */
function signatureOf({ method, url, headers }: IncomingMessage, secret: string): string {
  const [, scope = "", signedHeaders = ""] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+),/.exec(headers.authorization ?? "") ?? [];
  const { pathname, searchParams } = new URL(url ?? "", "http://any");
  searchParams.sort();
  const lines = signedHeaders.split(";").map((name) => `${name}:${headers[name]}\n`);
  const bodyHash = headers["x-amz-content-sha256"];
  const canonical = [method, pathname, searchParams, lines.join(""), signedHeaders, bodyHash].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const key = scope.split("/").reduce(hmac, Buffer.from(`AWS4${secret}`));
  return hmac(key, ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash].join("\n")).toString("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
