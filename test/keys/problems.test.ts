import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Unavailable } from "../../src/base/errors.ts";
import { keysOnDiskProblems, keysPinProblems, loadKeys } from "../../src/keys/load.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { temporaryFolder } from "../world/temporary.ts";
import {
  freshDomain,
  OLD_FILES,
  pinsIn,
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

test("has nothing to report while the files hold what was read, in whatever spelling", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const keys = await loadKeys(storage, freshPins());
  const file = path.join(storage.directory, "vapid.keys");
  await writeFile(file, `A line of prose.\n${(await readFile(file, "utf8")).replaceAll(/=$/gm, "")}`);
  expect(await keysOnDiskProblems(storage, keys)).toEqual([]);
});

test("reports keys that change, vanish or are emptied while it runs, and changes nothing", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const keys = await loadKeys(storage, freshPins());
  await writeFiles(storage.directory, { "otp.key": OLD_FILES["otp.key"], "activerecord.keys": "" });
  await rm(path.join(storage.directory, "secret.key"));
  const before = await snapshot(folder.path);
  expect(await keysOnDiskProblems(storage, keys)).toEqual([
    {
      code: "key_missing",
      about: path.join(storage.directory, "secret.key"),
      message: expect.stringMatching(/secret\.key: it is gone\. .*keeps the key/),
    },
    {
      code: "key_changed",
      about: path.join(storage.directory, "otp.key"),
      message: expect.stringMatching(/otp\.key: it has changed since it was read/),
    },
    {
      code: "key_unreadable",
      about: path.join(storage.directory, "activerecord.keys"),
      message: expect.stringMatching(/activerecord\.keys: .*empty/),
    },
  ]);
  expect(await snapshot(folder.path)).toEqual(before);
});

test("writes nothing to Consul while the pins are right, not even at a start", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const pins = freshPins();
  const keys = await loadKeys(storage, pins);
  const writes: string[] = [];
  const watched = {
    ...pins,
    create: (...[name, fingerprint]: Parameters<typeof pins.create>) => {
      writes.push(name);
      return pins.create(name, fingerprint);
    },
  };
  expect(await keysPinProblems(storage, keys, watched)).toEqual([]);
  await loadKeys(storage, watched);
  expect(writes).toEqual([]);
});

test("reports storage that is gone as a whole", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const keys = await loadKeys(storage, freshPins());
  await rm(storage.directory, { recursive: true });
  const problems = await keysOnDiskProblems({ ...storage, requireMount: folder.path }, keys);
  expect(problems.map(({ code }) => code)).toEqual([
    "keys_not_persistent",
    ...Array.from({ length: 4 }, () => "key_missing"),
  ]);
});

test("reports keys that others may read, with the command that closes them, and leaves them as they are", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const keys = await loadKeys(storage, freshPins());
  const file = path.join(storage.directory, "secret.key");
  await chmod(file, 0o644);
  await chmod(storage.directory, 0o755);
  const before = await snapshot(folder.path);
  expect(await keysOnDiskProblems(storage, keys)).toEqual([
    {
      code: "keys_too_open",
      about: storage.directory,
      message: expect.stringContaining(`chmod 0700 ${storage.directory}`),
    },
    { code: "keys_too_open", about: file, message: expect.stringContaining(`its mode is 0644`) },
  ]);
  expect(await snapshot(folder.path)).toEqual(before);
});

test("later pins what could not be pinned at a start without Consul", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  await writeFiles(storage.directory, OLD_FILES);
  const keys = await loadKeys(storage, unreachablePins);
  await expect(keysPinProblems(storage, keys, unreachablePins)).rejects.toBeInstanceOf(Unavailable);
  const pins = freshPins();
  expect(await keysPinProblems(storage, keys, pins)).toEqual([]);
  expect(await pins.read()).toEqual(keys.fingerprints);
});

test("reports keys that turn out not to be the pinned ones once Consul can be asked", async () => {
  await using folder = await temporaryFolder();
  const pins = freshPins();
  const { fingerprints } = await loadKeys(storageIn(folder.file("one")), pins);
  const storage = storageIn(folder.file("two"));
  await writeFiles(storage.directory, OLD_FILES);
  const keys = await loadKeys(storage, unreachablePins);
  const problems = await keysPinProblems(storage, keys, pins);
  expect(problems.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => "key_not_pinned_one"));
  expect(problems[0]?.message).toMatch(/Copy the key files from a node that has the pinned ones/);
  expect(await pins.read()).toEqual(fingerprints);
});
