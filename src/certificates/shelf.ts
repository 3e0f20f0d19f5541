/**
 * Where issued certificates are kept, on persistent storage, and where nginx reads them: `<storage>/<domain>/<UTC
 * time>/{fullchain.pem,privkey.pem}`. A version is complete or absent, and never changes: a new certificate is a new
 * folder, so its name in nginx.conf makes it a change like any other, and the old one is still there if that change is
 * rolled back.
 */
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { Refused } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { makeDirectory, writeNew } from "../keys/disk.ts";
import { syncDirectory } from "../state/durable.ts";
import { entriesOf } from "../state/entries.ts";
import { type Certificate, CHAIN_FILE, faultOf, findCertificate, KEY_FILE } from "./certificate.ts";

/** `20261124T130102Z`: names sort by time. */
const VERSION = /^\d{8}T\d{6}Z$/;
/** The one in use, the one before it for a rollback, and one more. */
const KEPT_VERSIONS = 3;

/** The newest good one of every domain with issued certificates. */
export async function issuedCertificates(storage: string): Promise<ReadonlyMap<string, Certificate>> {
  const found = new Map<string, Certificate>();
  for (const domain of entriesOf(storage)) {
    const certificate = await issuedCertificate(storage, domain);
    if (certificate !== undefined) found.set(domain, certificate);
  }
  return found;
}

export async function issuedCertificate(storage: string, domain: string): Promise<Certificate | undefined> {
  for (const version of versionsOf(storage, domain)) {
    const found = await findCertificate(path.join(storage, domain, version), domain);
    if (found.kind === "good") return found.certificate;
  }
  return undefined;
}

/**
 * Puts a new version on the shelf, safely on disk, and removes the oldest.
 *
 * @throws Refused for a chain that cannot serve the domain with this key
 */
export async function shelve(
  storage: string,
  domain: string,
  { chain, key, nowMs }: { readonly chain: string; readonly key: Secret; readonly nowMs: number },
): Promise<void> {
  refuseUseless(chain, key, domain);
  const home = path.join(storage, domain);
  const started = path.join(home, ".new");
  await makeDirectory(home);
  await rm(started, { recursive: true, force: true });
  await makeDirectory(started);
  await writeNew(path.join(started, CHAIN_FILE), chain);
  await writeNew(path.join(started, KEY_FILE), key.reveal());
  await syncDirectory(started);
  await rename(started, path.join(home, versionAt(nowMs)));
  await syncDirectory(home);
  for (const old of versionsOf(storage, domain).slice(KEPT_VERSIONS))
    await rm(path.join(home, old), { recursive: true, force: true });
}

function refuseUseless(chain: string, key: Secret, domain: string): void {
  const reason = faultOf(chain, key.reveal(), domain);
  if (reason === undefined) return;
  const cure = "Nothing was changed. Check the ACME server.";
  throw new Refused({ what: `the issued certificate cannot be used: ${reason}`, where: domain, cure });
}

function versionAt(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** Newest first. */
function versionsOf(storage: string, domain: string): readonly string[] {
  return entriesOf(path.join(storage, domain))
    .filter((name) => VERSION.test(name))
    .sort()
    .reverse();
}
