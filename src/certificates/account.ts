/** The account's key at one ACME server. Made once: the key is the account. */
import { generateKeyPairSync } from "node:crypto";
import { link, rm } from "node:fs/promises";
import path from "node:path";
import { digest } from "../base/digest.ts";
import { codeOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import { makeDirectory, readText, writeBeside } from "../keys/disk.ts";
import { syncDirectory } from "../state/durable.ts";

/** `<storage>/accounts/<host>-<digest of the directory's URL>.pem`; if several make it at once, all get the first. */
export async function accountKey(storage: string, directory: string): Promise<Secret> {
  const file = path.join(
    storage,
    "accounts",
    `${new URL(directory).hostname}-${digest(directory).slice(0, 8)}.pem`,
  );
  const known = await readText(file);
  if (known !== undefined) return known.text;
  await makeDirectory(path.dirname(file));
  const temporary = await writeBeside(file, newKey());
  try {
    await link(temporary, file);
    await syncDirectory(path.dirname(file));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return accountKey(storage, directory);
}

/** P-256, PEM: for accounts and for certificates. */
export function newKey(): Secret {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return new Secret(privateKey);
}
