import { createECDH } from "node:crypto";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { generateKey, judgeText, KEY_FILES, type Key, type KeyFile } from "../../src/keys/files.ts";
import type { KeyFileName } from "../../src/keys/load.ts";
import { OLD_FILES } from "./fixtures/world.ts";

const HEX = /^[0-9a-f]{128}\n$/;
const PRINTED: Readonly<Record<KeyFileName, RegExp>> = {
  "secret.key": HEX,
  "otp.key": HEX,
  "vapid.keys": /^VAPID_PRIVATE_KEY=[\w-]{43}=\nVAPID_PUBLIC_KEY=[\w-]{87}=\n$/,
  "activerecord.keys":
    /^ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY=[A-Za-z0-9]{32}\nACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=[A-Za-z0-9]{32}\nACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=[A-Za-z0-9]{32}\n$/,
};

test.each(KEY_FILES.map((file) => [file.name, file] as const))(
  "creates a %s in the documented form, which reads back as the same key and is new each time",
  (name, file) => {
    const fingerprints = new Set<string>();
    for (let round = 0; round < 300; round += 1) {
      const { key, text } = generateKey(file);
      expect(text.reveal()).toMatch(PRINTED[name]);
      expect(good(file, text.reveal())).toEqual(key);
      fingerprints.add(key.fingerprint);
    }
    expect(fingerprints.size).toBe(300);
  },
);

test("uses every letter and digit about equally often in new encryption values", () => {
  const counts = new Map<string, number>();
  for (let round = 0; round < 700; round += 1) {
    for (const value of generateKey(fileOf("activerecord.keys")).key.values.values()) {
      for (const character of value.reveal()) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
  }
  // 67,200 characters over 62 kinds: 1,084 each; one in 62 of a biased byte would be 25 % off.
  expect(counts.size).toBe(62);
  for (const count of counts.values()) expect(Math.abs(count - 1084)).toBeLessThan(200);
});

test("gives equal values in different files different fingerprints", () => {
  const text = OLD_FILES["secret.key"];
  expect(good(fileOf("secret.key"), text).fingerprint).not.toBe(good(fileOf("otp.key"), text).fingerprint);
});

test("reads a VAPID pair without padding, with it, and with its leading zeros dropped as the same key", () => {
  const pair = pairWithLeadingZero();
  const publicKey = pair.getPublicKey();
  const spellings = [
    vapidText(padded(leftPad(pair.getPrivateKey())), padded(publicKey)),
    vapidText(leftPad(pair.getPrivateKey()).toString("base64url"), publicKey.toString("base64url")),
    vapidText(pair.getPrivateKey().toString("base64url"), publicKey.toString("base64url")),
    vapidText(padded(pair.getPrivateKey()), padded(publicKey)),
    // Ruby's urlsafe_decode64 takes both alphabets.
    vapidText(pair.getPrivateKey().toString("base64"), publicKey.toString("base64")),
  ];
  const keys = spellings.map((text) => good(fileOf("vapid.keys"), text));
  expect(new Set(keys.map(({ fingerprint }) => fingerprint)).size).toBe(1);
});

test("passes the VAPID values on as the file has them", () => {
  const { values } = good(fileOf("vapid.keys"), OLD_FILES["vapid.keys"]);
  expect(values.get("VAPID_PRIVATE_KEY")?.reveal()).toBe("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
});

test("ignores prose, blank lines, comments, quotes, `export` and CR LF", () => {
  const text = `Some prose.\r\n\r\n# A comment\r\nexport VAPID_PRIVATE_KEY="jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"\r\n  ${line(OLD_FILES["vapid.keys"], 1)}\r\n`;
  const plain = good(fileOf("vapid.keys"), OLD_FILES["vapid.keys"]);
  expect(good(fileOf("vapid.keys"), text)).toEqual(plain);
});

const otherPublicKey = padded(pairWithLeadingZero().getPublicKey());
const MALFORMED: readonly (readonly [string, KeyFileName, string, RegExp])[] = [
  ["nothing at all", "secret.key", "", /is empty/],
  ["nothing but blanks", "activerecord.keys", " \n\t\n", /is empty/],
  ["a secret that was cut off", "secret.key", `${"a".repeat(127)}\n`, /128 lower-case hexadecimal/],
  ["a secret in upper case", "otp.key", `${"A".repeat(128)}\n`, /128 lower-case hexadecimal/],
  ["an error message in place of a secret", "secret.key", "rails aborted!\n", /128 lower-case hexadecimal/],
  ["two secrets", "secret.key", `${"a".repeat(128)}\n${"b".repeat(128)}\n`, /128 lower-case hexadecimal/],
  [
    "one half of the pair",
    "vapid.keys",
    line(OLD_FILES["vapid.keys"], 0),
    /no single value for VAPID_PUBLIC_KEY/,
  ],
  [
    "an empty value",
    "vapid.keys",
    `VAPID_PRIVATE_KEY=\n${line(OLD_FILES["vapid.keys"], 1)}\n`,
    /VAPID_PRIVATE_KEY/,
  ],
  [
    "a pair that does not match",
    "vapid.keys",
    `${line(OLD_FILES["vapid.keys"], 0)}\nVAPID_PUBLIC_KEY=${otherPublicKey}\n`,
    /does not belong to/,
  ],
  ["a private key of zero", "vapid.keys", vapidText("AAAA", otherPublicKey), /not a P-256 private key/],
  ["a private key of 33 bytes", "vapid.keys", vapidText("A".repeat(44), otherPublicKey), /at most 32 bytes/],
  ["what is not base64", "vapid.keys", vapidText("a*b/", otherPublicKey), /base64url of at most 32 bytes/],
  ["a compressed public key", "vapid.keys", vapidText("AQ", "A".repeat(44)), /base64url of 65 bytes/],
  [
    "31 characters",
    "activerecord.keys",
    OLD_FILES["activerecord.keys"].replace("P3", "3"),
    /32 letters and digits for .*PRIMARY_KEY/,
  ],
  [
    "a sign among the letters",
    "activerecord.keys",
    OLD_FILES["activerecord.keys"].replace("S2", "-2"),
    /KEY_DERIVATION_SALT/,
  ],
  [
    "two different values for one variable",
    "activerecord.keys",
    OLD_FILES["activerecord.keys"] + OLD_FILES["activerecord.keys"].replaceAll("D1", "D9"),
    /no single value for .*DETERMINISTIC_KEY/,
  ],
];

test.each(MALFORMED)("calls %s in %s malformed, without quoting it", (_, name, text, defect) => {
  const verdict = judgeText(fileOf(name), text);
  expect(verdict).toEqual({ kind: "malformed", defect: expect.stringMatching(defect) });
});

test("the same value given twice counts once", () => {
  const text = OLD_FILES["activerecord.keys"];
  expect(good(fileOf("activerecord.keys"), text + text)).toEqual(good(fileOf("activerecord.keys"), text));
});

test("never shows a key's value, however it is printed", () => {
  const { key, text } = generateKey(fileOf("secret.key"));
  const shown = `${inspect({ key, text }, { depth: 9 })}${JSON.stringify([...key.values])}${text}`;
  expect(shown).not.toMatch(/[0-9a-f]{20}/);
});

function good(file: KeyFile, text: string): Key {
  const verdict = judgeText(file, text);
  if (verdict.kind === "malformed") throw new Error(verdict.defect);
  return verdict.key;
}

function fileOf(name: KeyFileName): KeyFile {
  const file = KEY_FILES.find((known) => known.name === name);
  if (file === undefined) throw new Error(`no ${name} in the table`);
  return file;
}

/** One pair in 256 has a private key that begins with a zero byte, which OpenSSL leaves out. */
function pairWithLeadingZero(): ReturnType<typeof createECDH> {
  const pair = createECDH("prime256v1");
  do pair.generateKeys();
  while (pair.getPrivateKey().length === 32);
  return pair;
}

function vapidText(privateKey: string, publicKey: string): string {
  return `VAPID_PRIVATE_KEY=${privateKey}\nVAPID_PUBLIC_KEY=${publicKey}\n`;
}

function leftPad(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(32 - bytes.length), bytes]);
}

function padded(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

function line(text: string, index: number): string {
  return text.split("\n")[index] ?? "";
}
