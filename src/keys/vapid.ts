import { createECDH } from "node:crypto";
import { type KeyFormat, pickAssignments, printAssignments } from "./format.ts";

const VARIABLES = ["VAPID_PRIVATE_KEY", "VAPID_PUBLIC_KEY"] as const;
const PRIVATE_BYTES = 32;
/** An uncompressed point: 0x04, x, y. */
const PUBLIC_BYTES = 65;

/**
 * The key pair of web push: P-256, base64url with padding. Files made by scripts that stripped the padding, or by
 * libraries that drop the private key's leading zero bytes (1 in 256), are the same keys and read as such.
 */
export const vapidPair: KeyFormat = {
  variables: VARIABLES,
  pick: (text) => pickAssignments(VARIABLES, text),
  defect: (values) => {
    const privateKey = decodePrivate(values.get("VAPID_PRIVATE_KEY") ?? "");
    const publicKey = decode(values.get("VAPID_PUBLIC_KEY") ?? "");
    if (privateKey === undefined) return "expected base64url of at most 32 bytes for VAPID_PRIVATE_KEY";
    if (publicKey?.length !== PUBLIC_BYTES) return "expected base64url of 65 bytes for VAPID_PUBLIC_KEY";
    const point = publicPoint(privateKey);
    if (point === undefined) return "VAPID_PRIVATE_KEY is not a P-256 private key";
    return point.equals(publicKey) ? undefined : "VAPID_PUBLIC_KEY does not belong to VAPID_PRIVATE_KEY";
  },
  // A pair is a pair, in whatever spelling.
  oddity: () => undefined,
  print: (values) => printAssignments(VARIABLES, values),
  generate: () => {
    const pair = createECDH("prime256v1");
    pair.generateKeys();
    return new Map([
      ["VAPID_PRIVATE_KEY", encode(leftPad(pair.getPrivateKey()))],
      ["VAPID_PUBLIC_KEY", encode(pair.getPublicKey())],
    ]);
  },
  canonical: (variable, value) => {
    const bytes = variable === "VAPID_PRIVATE_KEY" ? decodePrivate(value) : decode(value);
    return bytes === undefined ? value : encode(bytes);
  },
};

function publicPoint(privateKey: Buffer): Buffer | undefined {
  const pair = createECDH("prime256v1");
  try {
    pair.setPrivateKey(privateKey);
    return pair.getPublicKey();
  } catch {
    // Zero, or not below the order of the curve.
    return undefined;
  }
}

function decodePrivate(text: string): Buffer | undefined {
  const bytes = decode(text);
  return bytes === undefined || bytes.length > PRIVATE_BYTES ? undefined : leftPad(bytes);
}

function leftPad(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(PRIVATE_BYTES - bytes.length), bytes]);
}

/** `Buffer.from` ignores what is not base64; a key must not have any. Ruby's urlsafe_decode64 takes `+` and `/` too. */
function decode(text: string): Buffer | undefined {
  return /^[A-Za-z0-9_+/-]+={0,2}$/.test(text) ? Buffer.from(text, "base64url") : undefined;
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}
