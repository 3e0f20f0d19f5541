import { chmod, cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Misconfigured } from "../../src/base/errors.ts";
import { adopt } from "../../src/keys/adopt.ts";
import { type KeyStorage, loadKeys } from "../../src/keys/load.ts";
import { quote } from "../../src/render/dotenv.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { temporaryFolder } from "../world/temporary.ts";
import {
  envFile,
  freshDomain,
  OLD_FILES,
  pinsIn,
  revealed,
  snapshot,
  storageIn,
  unreachablePins,
  writeFiles,
} from "./fixtures/world.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

const freshPins = () => pinsIn(consul.address, freshDomain());

const BACKUP = /\.\d{8}T\d{6}\.\d{3}Z\.bak$/;

test("takes the live keys over, keeps the old files, and replaces the pins", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins, live } = await contradiction(folder.path);
  await chmod(path.join(storage.directory, "secret.key"), 0o644);
  const before = await pins.read();

  const { source, files } = await adopt(storage, pins);

  expect(source).toBe(storage.liveEnvFile);
  expect(files.map(({ name, written, pin }) => [name, written, pin])).toEqual(
    ["secret.key", "otp.key", "vapid.keys", "activerecord.keys"].map((name) => [name, true, "replaced"]),
  );
  for (const { name, backup = "", fingerprint } of files) {
    expect(backup).toMatch(BACKUP);
    expect(await readFile(backup, "utf8")).toBe(OLD_FILES[name]);
    for (const file of [backup, path.join(storage.directory, name)])
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(before.get(name)).not.toBe(fingerprint);
  }
  const keys = await loadKeys(storage, pins);
  expect(revealed(keys)).toEqual(live);
  expect(await pins.read()).toEqual(keys.fingerprints);
});

test("changes nothing the second time", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins } = await contradiction(folder.path);
  await adopt(storage, pins);
  const before = await snapshot(folder.path);
  const { files } = await adopt(storage, pins);
  expect(files.map(({ written, backup, pin }) => [written, backup, pin])).toEqual(
    Array.from({ length: 4 }, () => [false, undefined, "unchanged"]),
  );
  expect(await snapshot(folder.path)).toEqual(before);
});

test("recognises encryption values that were rendered in each other's places, and keeps them as Mastodon has them", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  await writeFiles(storage.directory, OLD_FILES);
  const keys = await loadKeys(storage, undefined);
  const crossed = {
    ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY: "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP3",
    ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT: "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD1",
    ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY: "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS2",
  };
  await writeFile(storage.liveEnvFile ?? "", envFile(keys, crossed));
  const { files } = await adopt(storage, freshPins());
  expect(files.map(({ name, written, wasCrossWired }) => [name, written, wasCrossWired])).toEqual([
    ["secret.key", false, false],
    ["otp.key", false, false],
    ["vapid.keys", false, false],
    ["activerecord.keys", true, true],
  ]);
  expect(revealed(await loadKeys(storage, undefined))).toMatchObject(crossed);
});

test("restores lost and emptied key files from the live file, although they are pinned", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const pins = freshPins();
  const keys = await loadKeys(storage, pins);
  await writeFile(storage.liveEnvFile ?? "", envFile(keys));
  await rm(storage.directory, { recursive: true });
  await writeFiles(storage.directory, { "otp.key": "" });
  const { files } = await adopt(storage, pins);
  expect(files.map(({ name, backup, pin }) => [name, backup === undefined, pin])).toEqual([
    ["secret.key", true, "unchanged"],
    ["otp.key", false, "unchanged"],
    ["vapid.keys", true, "unchanged"],
    ["activerecord.keys", true, "unchanged"],
  ]);
  expect(revealed(await loadKeys(storage, pins))).toEqual(revealed(keys));
});

test("leaves keys alone that the live file does not have, such as OTP_SECRET since Mastodon 4.4", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins, live } = await contradiction(folder.path);
  const text = await readFile(storage.liveEnvFile ?? "", "utf8");
  await writeFile(storage.liveEnvFile ?? "", text.replace(/^OTP_SECRET=.*\n/m, ""));
  const { files } = await adopt(storage, pins);
  expect(files.map(({ name }) => name)).toEqual(["secret.key", "vapid.keys", "activerecord.keys"]);
  expect(revealed(await loadKeys(storage, pins))).toEqual({
    ...live,
    OTP_SECRET: OLD_FILES["otp.key"].trim(),
  });
});

test("adopts without Consul, says that it did not ask, and moves the pins when it is run again", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins, live } = await contradiction(folder.path);
  const { files } = await adopt(storage, unreachablePins);
  expect(new Set(files.map(({ pin }) => pin))).toEqual(new Set(["not asked"]));
  await expect(loadKeys(storage, pins)).rejects.toThrow(/is pinned in Consul for this domain/);
  await adopt(storage, pins);
  expect(revealed(await loadKeys(storage, pins))).toEqual(live);
});

test("adopts from the copy beside the keys if a rebuilt jail has no live file yet", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins, live } = await contradiction(folder.path);
  const copy = path.join(storage.directory, "backup.env.production");
  await writeFile(copy, await readFile(storage.liveEnvFile ?? "", "utf8"));
  await rm(storage.liveEnvFile ?? "");
  const { source, outdatedCopy } = await adopt(storage, pins);
  expect([source, outdatedCopy]).toEqual([copy, undefined]);
  expect(revealed(await loadKeys(storage, pins))).toEqual(live);
});

test("sets a copy with other keys aside, so that it cannot contradict the adopted ones later", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins } = await contradiction(folder.path);
  const copy = path.join(storage.directory, "backup.env.production");
  await writeFile(copy, `OTP_SECRET=${OLD_FILES["otp.key"]}`);
  const { outdatedCopy } = await adopt(storage, pins);
  expect(outdatedCopy).toMatch(BACKUP);
  await rm(storage.liveEnvFile ?? "");
  await expect(loadKeys(storage, pins)).resolves.toBeDefined();
});

const NOT_ADOPTABLE: readonly (readonly [string, (text: string) => string, RegExp])[] = [
  ["no keys at all", () => "LOCAL_DOMAIN=example.org\n", /nothing to adopt/],
  [
    "half of the VAPID pair",
    (text) => text.replace(/^VAPID_PUBLIC_KEY=.*\n/m, ""),
    /no single value for VAPID_PUBLIC_KEY/,
  ],
  [
    "a pair that does not match",
    (text) => text.replace(/^VAPID_PRIVATE_KEY=.*$/m, "VAPID_PRIVATE_KEY=AQ"),
    /does not belong to/,
  ],
  [
    "a secret of blanks",
    (text) => text.replace(/^SECRET_KEY_BASE=.*$/m, "SECRET_KEY_BASE=' '"),
    /SECRET_KEY_BASE is blank/,
  ],
  [
    "a secret that only Ruby's dotenv can read",
    (text) => text.replace(/^OTP_SECRET=.*$/m, 'OTP_SECRET="one\ntwo"'),
    /\.env\.production cannot carry the value of OTP_SECRET safely/,
  ],
  [
    "a secret that is the output of a command",
    (text) => text.replace(/^OTP_SECRET=.*$/m, "OTP_SECRET=$(cat /run/otp)"),
    /cannot carry the value of OTP_SECRET/,
  ],
];

test.each(NOT_ADOPTABLE)("refuses a live file with %s and changes nothing", async (_, change, says) => {
  await using folder = await temporaryFolder();
  const { storage, pins, live } = await contradiction(folder.path);
  const text = await readFile(storage.liveEnvFile ?? "", "utf8");
  await writeFile(storage.liveEnvFile ?? "", change(text));
  const [filesBefore, pinsBefore] = [await snapshot(folder.path), await pins.read()];
  const refusal = await adopt(storage, pins).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Misconfigured);
  expect(String(refusal)).toMatch(says);
  for (const value of Object.values(live)) expect(String(refusal)).not.toContain(value);
  expect(await snapshot(folder.path)).toEqual(filesBefore);
  expect(await pins.read()).toEqual(pinsBefore);
});

/** What Rails takes for a secret, whoever made it. */
const UNUSUAL = {
  SECRET_KEY_BASE: "ABCDEF0123456789".repeat(4),
  OTP_SECRET: ` it's "$a" pass phrase `,
  ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY: "base64+/of==a,longer=one:than/ours+is",
  ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT: "short",
  ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY: "# not a comment",
};

test("adopts keys of a form other than the agent's, and every start reads them, even on another node", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins } = await contradiction(folder.path);
  const others = await loadKeys(storage, undefined).catch(() => undefined);
  expect(others, "before, the live file has the say").toBe(undefined);
  const { variables } = await loadKeys(storageIn(path.join(folder.path, "elsewhere")), undefined);
  const asWritten = Object.fromEntries(
    Object.entries(UNUSUAL).map(([name, value]) => [name, quote(value) ?? ""]),
  );
  await writeFile(storage.liveEnvFile ?? "", envFile({ variables, fingerprints: new Map() }, asWritten));

  const { files } = await adopt(storage, pins);

  expect(files.map(({ name, isUnusual, pin }) => [name, isUnusual, pin])).toEqual([
    ["secret.key", true, "replaced"],
    ["otp.key", true, "replaced"],
    ["vapid.keys", false, "replaced"],
    ["activerecord.keys", true, "replaced"],
  ]);
  const keys = await loadKeys(storage, pins);
  expect(revealed(keys)).toMatchObject(UNUSUAL);
  expect(await pins.read()).toEqual(keys.fingerprints);
  expect((await adopt(storage, pins)).files.map(({ written }) => written)).toEqual([
    false,
    false,
    false,
    false,
  ]);

  const second = storageIn(path.join(folder.path, "second"));
  await cp(storage.directory, second.directory, { recursive: true });
  expect(revealed(await loadKeys(second, pins)), "without a live file, and without Consul").toEqual(
    revealed(keys),
  );
  expect(revealed(await loadKeys(second, undefined))).toEqual(revealed(keys));
});

test("an adopted key that was changed by hand is refused like any other", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins } = await contradiction(folder.path);
  const text = await readFile(storage.liveEnvFile ?? "", "utf8");
  await writeFile(storage.liveEnvFile ?? "", text.replace(/^OTP_SECRET=.*$/m, "OTP_SECRET=correcthorse"));
  await adopt(storage, pins);
  const file = path.join(storage.directory, "otp.key");
  expect(await readFile(file, "utf8")).toMatch(
    /^# Adopted by mastodon-agent: .*\nOTP_SECRET=correcthorse\n$/,
  );
  await writeFile(file, (await readFile(file, "utf8")).replace("horse", "hor"));
  await expect(loadKeys(storage, pins)).rejects.toThrow(
    /OTP_SECRET differs from .*otp\.key[\s\S]*is pinned in Consul/,
  );
  await writeFile(file, "correcthorse\n");
  await expect(loadKeys(storage, pins), "nobody stands for it").rejects.toThrow(
    /otp\.key: it is not a key file: expected 128/,
  );
});

test("refuses to adopt onto storage that is not the persistent one", async () => {
  await using folder = await temporaryFolder();
  const { storage, pins } = await contradiction(folder.path);
  const before = await readdir(storage.directory);
  await expect(adopt({ ...storage, requireMount: folder.path }, pins)).rejects.toThrow(/nothing is mounted/);
  expect(await readdir(storage.directory)).toEqual(before);
});

/** Key files and pins say one thing, the live file another. */
async function contradiction(folder: string) {
  const storage: KeyStorage = storageIn(folder);
  const pins = freshPins();
  const elsewhere = await loadKeys(storageIn(path.join(folder, "elsewhere")), freshPins());
  await writeFiles(storage.directory, OLD_FILES);
  await loadKeys(storage, pins);
  await writeFile(storage.liveEnvFile ?? "", envFile(elsewhere));
  return { storage, pins, live: revealed(elsewhere) };
}
