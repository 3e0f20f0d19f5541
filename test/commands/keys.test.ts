import { chmod, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExitCode, Misconfigured, TryAgain } from "../../src/base/errors.ts";
import { keysAdopt, keysInit, keysShow, keysVerify } from "../../src/commands/keys.ts";
import { loadKeys, type PinStore } from "../../src/keys/load.ts";
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
} from "../keys/fixtures/world.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { temporaryFolder } from "../world/temporary.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

const freshPins = () => pinsIn(consul.address, freshDomain());

test("init creates the keys and says so, and the second time says that they exist", async () => {
  await using folder = await temporaryFolder();
  const { context, lines } = inContext(folder.path, freshPins());
  expect(await keysInit(context)).toBe(ExitCode.ok);
  expect(lines.splice(0).map((line) => line.split(/\s{2,}/))).toEqual(
    ["secret.key", "otp.key", "vapid.keys", "activerecord.keys"].map((name) => [
      name,
      expect.stringMatching(/^[0-9a-f]{16}$/),
      "created",
    ]),
  );
  expect(await keysInit(context)).toBe(ExitCode.ok);
  for (const line of lines) expect(line).toMatch(/existing$/);
});

test("init creates nothing if Consul cannot be asked", async () => {
  await using folder = await temporaryFolder();
  const { context } = inContext(folder.path, undefined);
  await expect(keysInit(context)).rejects.toBeInstanceOf(TryAgain);
  expect(await snapshot(context.storage.directory)).toBeUndefined();
});

test("show prints names, fingerprints, modes, ages and pins, and never a value", async () => {
  await using folder = await temporaryFolder();
  const pins = freshPins();
  const { context, lines } = inContext(folder.path, pins);
  const keys = await loadKeys(context.storage, pins);
  await rm(path.join(context.storage.directory, "otp.key"));
  await writeFile(path.join(context.storage.directory, "vapid.keys"), "");
  expect(await keysShow(context)).toBe(ExitCode.ok);
  const shown = lines.splice(0).join("\n");
  expect(shown).toMatch(/secret\.key +[0-9a-f]{16} +0600 +0 s old +pinned\n/);
  expect(shown).toMatch(/otp\.key +missing +pinned: [0-9a-f]{16}\n/);
  expect(shown).toMatch(/vapid\.keys +malformed +pinned: [0-9a-f]{16}\n/);
  expect(shown).toMatch(/\/vapid\.keys: it is not a key file: it is empty\. Put the right file back/);
  for (const value of Object.values(revealed(keys))) expect(shown).not.toContain(value);
  await keysShow({ ...context, pins: unreachablePins });
  expect(lines.join("\n")).toMatch(/secret\.key .*pin not checked/);
});

test("verify has an exit code for each state of the keys, and changes nothing", async () => {
  await using folder = await temporaryFolder();
  const pins = freshPins();
  const { context, lines } = inContext(folder.path, pins);
  expect(await keysVerify(context)).toBe(ExitCode.temporary);
  expect(lines.splice(0).join("\n")).toMatch(
    /missing .*secret\.key: the first start or `mastodon-agent keys init`/,
  );
  expect(await snapshot(context.storage.directory)).toBeUndefined();

  await writeFiles(context.storage.directory, OLD_FILES);
  await chmod(path.join(context.storage.directory, "otp.key"), 0o640);
  const before = await snapshot(folder.path);
  expect(await keysVerify(context)).toBe(ExitCode.ok);
  expect(await pins.read()).toEqual(new Map());
  expect(lines.splice(0).join("\n")).toMatch(
    /warning .*otp\.key.*0640[\s\S]*present .*secret\.key: [0-9a-f]{16}, not pinned/,
  );

  expect(await keysVerify({ ...context, pins: unreachablePins })).toBe(ExitCode.unavailable);
  expect(lines.splice(0).join("\n")).toMatch(/unknown .*Consul does not answer/);
  expect(await snapshot(folder.path)).toEqual(before);

  await pins.create("secret.key", "0123456789abcdef");
  await writeFile(path.join(context.storage.directory, "otp.key"), "");
  expect(await keysVerify(context)).toBe(ExitCode.misconfigured);
  expect(lines.join("\n")).toMatch(
    /refused .*otp\.key: .*empty[\s\S]*refused .*secret\.key: its fingerprint is/,
  );
});

test("adopt says what it took over, where the old files are, and what the other nodes need", async () => {
  await using folder = await temporaryFolder();
  const pins = freshPins();
  const { context, lines } = inContext(folder.path, pins);
  const elsewhere = await loadKeys(storageIn(folder.file("elsewhere")), freshPins());
  await writeFiles(context.storage.directory, OLD_FILES);
  await loadKeys(context.storage, pins);
  await writeFile(context.storage.liveEnvFile ?? "", envFile(elsewhere));
  expect(await keysAdopt(context)).toBe(ExitCode.ok);
  const told = lines.splice(0).join("\n");
  expect(told).toMatch(
    /secret\.key +[0-9a-f]{16} +adopted +pin replaced\n {2}the old file is kept as .*secret\.key\.\d+T.*\.bak/,
  );
  expect(told).toMatch(/The other nodes of this domain now need these key files too/);
  for (const value of Object.values(revealed(elsewhere))) expect(told).not.toContain(value);
  await keysAdopt(context);
  expect(lines.splice(0).join("\n")).toMatch(/secret\.key +[0-9a-f]{16} +unchanged +pinned$/m);
});

test("adopt says that the encryption values were in each other's places, and to run it again when Consul answers", async () => {
  await using folder = await temporaryFolder();
  const { context, lines } = inContext(folder.path, unreachablePins);
  await writeFiles(context.storage.directory, OLD_FILES);
  await writeFile(context.storage.liveEnvFile ?? "", CROSSED);
  expect(await keysAdopt(context)).toBe(ExitCode.ok);
  expect(lines.join("\n")).toMatch(
    /three encryption values in each other's places[\s\S]*Consul could not be asked/,
  );
});

test("for scripts each says the same as one document, and no value either", async () => {
  await using folder = await temporaryFolder();
  const pins = freshPins();
  const { context, lines } = inContext(folder.path, pins);
  const said = async (command: (given: typeof context & { json: boolean }) => Promise<ExitCode>) => {
    const code = await command({ ...context, json: true });
    const [text = "", ...more] = lines.splice(0);
    expect(more).toEqual([]);
    return { code, text, document: JSON.parse(text) };
  };
  const fingerprint = expect.stringMatching(/^[0-9a-f]{16}$/);

  const verified = await said(keysVerify);
  expect(verified.code).toBe(ExitCode.temporary);
  expect(verified.document).toMatchObject({ exit_code: 75, refused: [], unknown: null });
  const made = await said(keysInit);
  expect(made.document.files[0]).toEqual({ name: "secret.key", fingerprint, made: true });
  const { fingerprints } = await loadKeys(context.storage, pins);
  await writeFile(path.join(context.storage.directory, "otp.key"), "");

  const { document } = await said(keysShow);
  expect(document.directory).toBe(context.storage.directory);
  expect(document.files[0]).toEqual({
    name: "secret.key",
    state: "present",
    fingerprint,
    mode: "0600",
    modified_at: expect.stringMatching(/^\d{4}-.*Z$/),
    pinned: fingerprints.get("secret.key"),
    pins_asked: true,
    problem: null,
  });
  expect(document.files[1]).toMatchObject({
    name: "otp.key",
    state: "malformed",
    fingerprint: null,
    problem: expect.stringContaining("it is empty"),
  });
  expect((await said(keysVerify)).document).toMatchObject({
    exit_code: 78,
    refused: [
      {
        where: path.join(context.storage.directory, "otp.key"),
        what: expect.any(String),
        cure: expect.any(String),
      },
    ],
  });

  const elsewhere = await loadKeys(storageIn(folder.file("elsewhere")), freshPins());
  await writeFile(context.storage.liveEnvFile ?? "", envFile(elsewhere));
  const adopted = await said(keysAdopt);
  expect(adopted.document.files[0]).toEqual({
    name: "secret.key",
    fingerprint: elsewhere.fingerprints.get("secret.key"),
    written: true,
    backup: expect.stringMatching(/\.bak$/),
    was_cross_wired: false,
    unusual: false,
    pin: "replaced",
  });
  for (const value of Object.values(revealed(elsewhere))) expect(adopted.text).not.toContain(value);
});

test("adopt refuses if there is nothing to adopt", async () => {
  await using folder = await temporaryFolder();
  const { context } = inContext(folder.path, undefined);
  await expect(keysAdopt(context)).rejects.toBeInstanceOf(Misconfigured);
});

/** The encryption values of OLD_FILES as the configure-once flavour rendered them. */
const CROSSED = `ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY=${"P".repeat(31)}3
ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=${"D".repeat(31)}1
ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=${"S".repeat(31)}2
`;

function inContext(folder: string, pins: PinStore | undefined) {
  const lines: string[] = [];
  return {
    lines,
    context: { storage: storageIn(folder), pins, out: (line: string) => void lines.push(line) },
  };
}
