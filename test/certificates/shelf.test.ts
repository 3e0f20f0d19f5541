import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { issuedCertificate, issuedCertificates, shelve } from "../../src/certificates/shelf.ts";
import { makeCertificates } from "../world/certificates.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { DOMAIN } from "./fixtures/keeper.ts";

const SECOND_MS = 1000;

test("the newest version is in use, and the two before it stay for a rollback", async () => {
  await using folder = await temporaryFolder("shelf");
  const certificate = await makeOne(folder.path);
  for (let at = 1; at <= 5; at++)
    await shelve(folder.path, DOMAIN, { ...certificate, nowMs: at * SECOND_MS });
  expect(await readdir(folder.file(DOMAIN))).toEqual([
    "19700101T000003Z",
    "19700101T000004Z",
    "19700101T000005Z",
  ]);
  const found = await issuedCertificates(folder.path);
  expect([...found].map(([domain, { folder: place }]) => [domain, path.basename(place)])).toEqual([
    [DOMAIN, "19700101T000005Z"],
  ]);
});

test("a damaged version gives way to the one before it", async () => {
  await using folder = await temporaryFolder("shelf");
  const certificate = await makeOne(folder.path);
  for (const at of [1, 2, 3]) await shelve(folder.path, DOMAIN, { ...certificate, nowMs: at * SECOND_MS });
  await writeFile(folder.file(DOMAIN, "19700101T000003Z", "fullchain.pem"), "");
  await writeFile(folder.file(DOMAIN, "19700101T000002Z", "privkey.pem"), "not a key");
  expect((await issuedCertificate(folder.path, DOMAIN))?.folder).toBe(
    folder.file(DOMAIN, "19700101T000001Z"),
  );
});

test("what a killed agent was writing is not a version, and the next one removes it", async () => {
  await using folder = await temporaryFolder("shelf");
  const certificate = await makeOne(folder.path);
  await mkdir(folder.file(DOMAIN, ".new"), { recursive: true });
  await writeFile(folder.file(DOMAIN, ".new", "fullchain.pem"), certificate.chain);
  expect(await issuedCertificate(folder.path, DOMAIN)).toBeUndefined();
  await shelve(folder.path, DOMAIN, { ...certificate, nowMs: SECOND_MS });
  expect(await readdir(folder.file(DOMAIN))).toEqual(["19700101T000001Z"]);
});

test("a certificate that cannot serve the domain is not used", async () => {
  await using folder = await temporaryFolder("shelf");
  const { chain, key, otherKey } = await makeOne(folder.path);
  const shelved = (domain: string, given: Secret) =>
    shelve(folder.path, domain, { chain, key: given, nowMs: SECOND_MS });
  await expect(shelved("other.example.org", key)).rejects.toThrow("it is not for other.example.org");
  await expect(shelved(DOMAIN, otherKey)).rejects.toThrow("privkey.pem does not match it");
  expect(await issuedCertificates(folder.path)).toEqual(new Map());
});

async function makeOne(folder: string) {
  const made = await makeCertificates(folder, "127.0.0.1", DOMAIN);
  return {
    chain: await readFile(made.serverCertificate, "utf8"),
    key: new Secret(await readFile(made.serverKey, "utf8")),
    otherKey: new Secret(await readFile(made.clientKey, "utf8")),
  };
}
