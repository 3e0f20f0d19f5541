import { X509Certificate } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import path from "node:path";
import { expect, test } from "vitest";
import type { CertificateState } from "../../src/certificates/keeper.ts";
import { makeCertificates } from "../world/certificates.ts";
import { startPebble } from "../world/pebble.ts";
import { freePort } from "../world/ports.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { DOMAIN, lookAt, optionsFor } from "./fixtures/keeper.ts";
import { listening } from "./fixtures/listening.ts";
import { serveShipped } from "./fixtures/nginx.ts";

const AT_ONCE = { firstMs: 0, longestMs: 0 };

test("orders a certificate while nothing listens, keeps it private, and then has nothing more to do", async () => {
  await using folder = await temporaryFolder("certificates");
  // Of a hundred; the library gives up after six in a row, which at 40 was once in twenty runs.
  await using pebble = await startPebble({ rejectNonces: 15 });
  const options = optionsFor(folder, pebble);
  const state = await lookAt(options);
  const issued = certificateOf(state);
  expect(state).toMatchObject({ isOurs: true, problems: [] });
  const chain = await readFile(path.join(issued.folder, "fullchain.pem"), "utf8");
  const intermediate = new X509Certificate(chain.slice(chain.lastIndexOf("-----BEGIN")));
  expect(new X509Certificate(chain).checkHost(DOMAIN)).toBe(DOMAIN);
  expect(new X509Certificate(chain).verify(intermediate.publicKey)).toBe(true);
  expect(intermediate.verify(new X509Certificate(await pebble.root()).publicKey)).toBe(true);
  for (const file of await filesBelow(folder.file("storage")))
    expect([file, (await stat(file)).mode & 0o777]).toEqual([file, 0o600]);
  expect((await filesBelow(folder.file("storage"))).map((file) => path.basename(file)).sort()).toEqual([
    expect.stringMatching(/\.pem$/),
    "fullchain.pem",
    "privkey.pem",
  ]);

  const life = issued.notAfterMs - issued.notBeforeMs;
  expect(state.nextAttemptMs).toBeGreaterThan(issued.notAfterMs - life * 0.39);
  expect(state.nextAttemptMs).toBeLessThanOrEqual(issued.notAfterMs - life / 3);
  expect(certificateOf(await lookAt(options)).fingerprint).toBe(issued.fingerprint);
  expect(pebble.count("Issued certificate")).toBe(1);
});

test("renews through nginx with a third of the life left, in a folder of its own", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const options = optionsFor(folder, pebble);
  const first = certificateOf(await lookAt(options));
  await using _ = await serveShipped(folder, pebble.challenge);

  const late = { ...options, nowMs: () => first.notAfterMs - (first.notAfterMs - first.notBeforeMs) / 3 };
  const second = certificateOf(await lookAt(late));
  expect(second.fingerprint).not.toBe(first.fingerprint);
  expect(await readdir(first.folder)).toEqual(["fullchain.pem", "privkey.pem"]);
  expect(await readdir(folder.file("acme", ".well-known", "acme-challenge"))).toEqual([]);
  expect(pebble.count("There are now 1 accounts")).toBe(1);
  expect(pebble.count("There are now 2 accounts")).toBe(0);
});

test("never touches somebody else's certificate, and says when it expires", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const made = await makeCertificates(folder.path, "127.0.0.1", DOMAIN);
  await mkdir(folder.file("own", DOMAIN), { recursive: true });
  const [chain, key] = [
    folder.file("own", DOMAIN, "fullchain.pem"),
    folder.file("own", DOMAIN, "privkey.pem"),
  ];
  await writeFile(chain, await readFile(made.serverCertificate));
  await writeFile(key, await readFile(made.serverKey));
  const options = optionsFor(folder, pebble);

  const state = await lookAt(options);
  expect(state).toMatchObject({ isOurs: false, nextAttemptMs: undefined, problems: [] });
  const { notAfterMs } = certificateOf(state);
  expect(await codes({ ...options, nowMs: () => notAfterMs - 3_600_000 })).toEqual(["certificate_expiring"]);
  expect(await codes({ ...options, nowMs: () => notAfterMs + 1 })).toEqual(["certificate_expired"]);
  await writeFile(key, await readFile(made.clientKey));
  const [problem] = (await lookAt(options)).problems;
  expect(problem).toMatchObject({ code: "certificate_useless" });
  expect(problem?.message).toContain("privkey.pem does not match it");
  expect(await filesBelow(folder.file("storage"))).toEqual([]);
  expect(pebble.count("POST")).toBe(0);
});

test("reports what the authority found when it cannot validate, waits, and changes nothing", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const { host } = pebble.challenge;
  // The name leads to a port where nobody answers.
  const options = optionsFor(folder, pebble, { listen: { host, port: await freePort(host) } });
  const beganMs = Date.now();
  const state = await lookAt(options);
  expect(state.found.kind).toBe("none");
  expect(state.problems).toEqual([
    { code: "certificate_not_issued", about: DOMAIN, message: expect.stringContaining("connection refused") },
  ]);
  expect(state.nextAttemptMs).toBeGreaterThanOrEqual(beganMs + 150_000);
  const asked = pebble.count("POST");
  expect(await lookAt(options)).toEqual(state);
  expect(pebble.count("POST")).toBe(asked);

  const second = await lookAt({ ...options, nowMs: () => (state.nextAttemptMs ?? 0) + 1 });
  expect((second.nextAttemptMs ?? 0) - (state.nextAttemptMs ?? 0)).toBeGreaterThanOrEqual(300_000);
  expect(pebble.count("There are now 2 accounts")).toBe(0);
});

test("does not let the authority fetch an answer that is not ours", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const { host, port } = pebble.challenge;
  await using _ = await listening(
    createServer((_request, response) => response.end("welcome")),
    host,
    port,
  );
  const { problems } = await lookAt(optionsFor(folder, pebble));
  expect(problems[0]?.message).toContain(`from here the answer is "welcome"`);
  expect(problems[0]?.message).toContain(folder.file("acme"));
  expect(pebble.count("Attempting to validate")).toBe(0);
});

test("waits out a server that is down, and then goes on", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const options = optionsFor(folder, pebble, { pace: AT_ONCE });
  await pebble.stop();
  const { problems } = await lookAt(options);
  expect(problems).toEqual([
    { code: "certificate_not_issued", about: DOMAIN, message: expect.stringContaining("ECONNREFUSED") },
  ]);
  await pebble.start();
  expect(await lookAt(options)).toMatchObject({ found: { kind: "good" }, problems: [] });
});

test("starts again at a server that has forgotten account and order", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const { host } = pebble.challenge;
  await using taken = await listening(
    createServer((_request, response) => response.end()),
    host,
    pebble.challenge.port,
  );
  const options = optionsFor(folder, pebble, { pace: AT_ONCE });
  await lookAt(options);
  expect((await filesBelow(folder.file("storage"))).map((file) => path.basename(file))).toContain(
    "order.json",
  );
  await taken[Symbol.asyncDispose]();
  await pebble.stop();
  await pebble.start();
  expect(await lookAt(options)).toMatchObject({ found: { kind: "good" }, problems: [] });
});

test("leaves a server alone for as long as it asks", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const made = await makeCertificates(folder.path, pebble.challenge.host);
  const [cert, key] = await Promise.all([readFile(made.serverCertificate), readFile(made.serverKey)]);
  const limited = {
    type: "urn:ietf:params:acme:error:rateLimited",
    detail: "too many certificates already issued",
  };
  const port = await freePort(pebble.challenge.host);
  await using _ = await listening(
    createSecureServer({ cert, key }, (_request, response) => {
      response.writeHead(429, { "content-type": "application/problem+json", "retry-after": "7200" });
      response.end(JSON.stringify(limited));
    }),
    pebble.challenge.host,
    port,
  );
  const directory = `https://${pebble.challenge.host}:${port}/dir`;
  const beganMs = Date.now();
  const state = await lookAt(optionsFor(folder, pebble, { directory, ca: () => readFile(made.ca, "utf8") }));
  expect(state.nextAttemptMs).toBeGreaterThanOrEqual(beganMs + 7_200_000);
  expect(state.problems[0]?.message).toContain("too many certificates already issued (rateLimited)");
});

test("orders nothing if the lock cannot be taken or the storage would not last", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const locked = await lookAt(
    optionsFor(folder, pebble, { lock: () => Promise.reject(new Error("Consul does not answer")) }),
  );
  expect(locked.problems[0]?.message).toContain("Consul does not answer");
  const storageComplaint = async () => ({ what: "it is not mounted", where: "/mnt", cure: "Mount it." });
  const unmounted = await lookAt(optionsFor(folder, pebble, { storageComplaint }));
  expect(unmounted.problems[0]?.message).toContain("it is not mounted");
  expect(pebble.count("POST")).toBe(0);
  expect(await filesBelow(folder.file("storage"))).toEqual([]);
});

function certificateOf({ found, problems }: CertificateState) {
  if (found.kind !== "good") throw new Error(`no good certificate: ${JSON.stringify([found, problems])}`);
  return found.certificate;
}

async function codes(options: Parameters<typeof lookAt>[0]): Promise<readonly string[]> {
  return (await lookAt(options)).problems.map(({ code }) => code);
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
