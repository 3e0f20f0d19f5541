/** One certificate on disk, as nginx reads it: what it is good for and for how long. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { codeOf, messageOf } from "../base/errors.ts";

/** The names that nginx.conf.hbs knows. */
export const CHAIN_FILE = "fullchain.pem";
export const KEY_FILE = "privkey.pem";

export interface Certificate {
  readonly folder: string;
  /** Common name of who issued it, else its organisation. */
  readonly issuer: string;
  /** Of this very certificate, in hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type Found =
  | { readonly kind: "none" }
  | { readonly kind: "good"; readonly certificate: Certificate }
  | {
      readonly kind: "bad";
      readonly folder: string;
      readonly reason: string;
      /** If it could be read at all. */
      readonly certificate: Certificate | undefined;
      /** Whether nginx can still come up with it, as far as anybody knows. */
      readonly isLoadable: boolean;
    };

/** Looks at a folder. An unreadable private key is assumed to be right: it may belong to another user. */
export async function findCertificate(folder: string, domain: string): Promise<Found> {
  const [chain, key] = await Promise.all(
    [CHAIN_FILE, KEY_FILE].map((name) => contentOf(path.join(folder, name))),
  );
  if (chain === undefined || key === undefined) return { kind: "none" };
  const bad = (reason: string, isLoadable: boolean, certificate?: Certificate): Found => ({
    kind: "bad",
    folder,
    reason,
    certificate,
    isLoadable,
  });
  if (chain === UNREADABLE) return bad(`${CHAIN_FILE} cannot be read`, true);
  try {
    const [parsed] = certificatesIn(chain);
    const certificate = describe(parsed, folder);
    const isPair = key === UNREADABLE || isKeyOf(key, parsed);
    const reason = isPair ? hostFault(parsed, domain) : KEY_FAULT;
    return reason === undefined ? { kind: "good", certificate } : bad(reason, isPair, certificate);
  } catch (error) {
    return bad(`${CHAIN_FILE} is not a certificate chain (${messageOf(error)})`, false);
  }
}

/** Why a chain with this key cannot serve the domain; the time is not checked. @throws Error for what is not PEM */
export function faultOf(chain: string, key: string, domain: string): string | undefined {
  const [certificate] = certificatesIn(chain);
  return isKeyOf(key, certificate) ? hostFault(certificate, domain) : KEY_FAULT;
}

/** nginx reads the whole chain: one cut off while it was copied is as bad as none. */
function certificatesIn(chain: string): readonly [X509Certificate, ...X509Certificate[]] {
  const [first = "", ...others] = chain
    .split(/(?=-----BEGIN )/)
    .filter((text) => text.includes("-----BEGIN "));
  return [new X509Certificate(first), ...others.map((text) => new X509Certificate(text))];
}

function hostFault(certificate: X509Certificate, domain: string): string | undefined {
  return certificate.checkHost(domain) === undefined ? `it is not for ${domain}` : undefined;
}

const KEY_FAULT = `${KEY_FILE} does not match it`;

/** An encrypted key is assumed to be right: a user's template may name the file with its password. */
function isKeyOf(key: string, certificate: X509Certificate): boolean {
  if (key.includes("ENCRYPTED")) return true;
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

const UNREADABLE = Symbol("unreadable");

async function contentOf(file: string): Promise<string | typeof UNREADABLE | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    return UNREADABLE;
  }
}

function describe(parsed: X509Certificate, folder: string): Certificate {
  return {
    folder,
    issuer: issuerOf(parsed),
    fingerprint: parsed.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBeforeMs: Date.parse(parsed.validFrom),
    notAfterMs: Date.parse(parsed.validTo),
  };
}

/** Node gives one attribute per line, such as `CN=R11`. */
function issuerOf({ issuer }: X509Certificate): string {
  const attributes = new Map(
    issuer.split("\n").map((line) => [line.split("=")[0], line.replace(/^\w+=/, "")]),
  );
  return attributes.get("CN") ?? attributes.get("O") ?? "unknown";
}
