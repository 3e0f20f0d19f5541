import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TryAgain, Unavailable } from "../../src/base/errors.ts";
import { KEY_FILES } from "../../src/keys/files.ts";
import { loadKeys } from "../../src/keys/load.ts";
import { KEY_VARIABLES } from "../../src/keys/names.ts";
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
const NAMES = KEY_FILES.map(({ name }) => name);

test("creates all keys at the first start, private, pinned, and with nothing left beside them", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const pins = freshPins();
  const keys = await loadKeys(storage, pins);
  expect([...keys.variables.keys()]).toEqual(KEY_VARIABLES);
  expect(await pins.read()).toEqual(keys.fingerprints);
  expect((await readdir(storage.directory)).sort()).toEqual([...NAMES].sort());
  expect((await stat(storage.directory)).mode & 0o777).toBe(0o700);
  for (const name of NAMES) expect((await stat(path.join(storage.directory, name))).mode & 0o777).toBe(0o600);
});

test("returns the values in the files", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const values = revealed(await loadKeys(storage, freshPins()));
  const texts = await Promise.all(NAMES.map((name) => readFile(path.join(storage.directory, name), "utf8")));
  for (const value of Object.values(values)) expect(texts.join("")).toContain(value);
});

test("changes no file's bytes, inode or time over 100 restarts, with and without Consul", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const pins = freshPins();
  const first = await loadKeys(storage, pins);
  const before = await snapshot(folder.path);
  for (let restart = 0; restart < 100; restart += 1) {
    expect(revealed(await loadKeys(storage, restart % 2 === 0 ? pins : undefined))).toEqual(revealed(first));
  }
  expect(await snapshot(folder.path)).toEqual(before);
  expect(await pins.read()).toEqual(first.fingerprints);
});

test("reads files made by other scripts, pins them, and leaves them as they are", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  await writeFiles(storage.directory, OLD_FILES);
  for (const name of NAMES) await chmod(path.join(storage.directory, name), 0o644);
  const before = await snapshot(folder.path);
  const pins = freshPins();
  const keys = await loadKeys(storage, pins);
  expect(revealed(keys)).toMatchObject({
    SECRET_KEY_BASE: OLD_FILES["secret.key"].trim(),
    VAPID_PRIVATE_KEY: "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY: "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP3",
  });
  expect(await snapshot(folder.path)).toEqual(before);
  expect(await pins.read()).toEqual(keys.fingerprints);
});

test("creates only what is missing: an instance from before the encryption keys gets those", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const { "activerecord.keys": _, ...older } = OLD_FILES;
  await writeFiles(storage.directory, older);
  const keys = await loadKeys(storage, freshPins());
  expect(revealed(keys)["SECRET_KEY_BASE"]).toBe(OLD_FILES["secret.key"].trim());
  expect(await readFile(path.join(storage.directory, "vapid.keys"), "utf8")).toBe(OLD_FILES["vapid.keys"]);
  expect(revealed(keys)["ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"]).toMatch(/^[A-Za-z0-9]{32}$/);
});

test("uses existing keys when Consul cannot be asked", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  await writeFiles(storage.directory, OLD_FILES);
  const withoutConsul = await loadKeys(storage, unreachablePins);
  expect(withoutConsul.fingerprints).toEqual((await loadKeys(storage, undefined)).fingerprints);
});

test("creates no keys while Consul cannot be asked, and says to start it or copy the keys", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const before = await snapshot(folder.path);
  const away = loadKeys(storage, unreachablePins);
  await expect(away).rejects.toBeInstanceOf(Unavailable);
  await expect(away).rejects.toThrow(/secret\.key: it is missing, .*Start Consul, or copy the key files/);
  await expect(loadKeys(storage, undefined)).rejects.toBeInstanceOf(TryAgain);
  expect(await snapshot(folder.path)).toEqual(before);
});

test("accepts another node of the domain that has copies of the keys", async () => {
  await using folder = await temporaryFolder();
  const pins = freshPins();
  const one = storageIn(folder.file("one"));
  const two = storageIn(folder.file("two"));
  const keys = await loadKeys(one, pins);
  await mkdir(two.directory, { recursive: true });
  for (const name of NAMES)
    await writeFile(path.join(two.directory, name), await readFile(path.join(one.directory, name)));
  expect(revealed(await loadKeys(two, pins))).toEqual(revealed(keys));
});

test("lets one of two nodes that start at the same moment create the domain's keys, and refuses the other", async () => {
  await using folder = await temporaryFolder();
  for (let round = 0; round < 10; round += 1) {
    const pins = freshPins();
    const storages = ["one", "two"].map((name) => storageIn(folder.file(String(round), name)));
    const starts = await Promise.allSettled(storages.map((storage) => loadKeys(storage, pins)));
    const winners = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    expect(winners.map(({ fingerprints }) => fingerprints)).toEqual([await pins.read()]);
    const [reason] = starts.flatMap((start) => (start.status === "rejected" ? [String(start.reason)] : []));
    expect(reason).toMatch(/pinned in Consul for this domain.*Do not make new ones/);
    const loser = storages[starts.findIndex(({ status }) => status === "rejected")];
    expect(await readdir(loser?.directory ?? "").catch(() => [])).toEqual([]);
  }
});

test("accepts a live file that has the same keys, in either spelling of the VAPID pair", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const keys = await loadKeys(storage, freshPins());
  const unpadded = (revealed(keys)["VAPID_PUBLIC_KEY"] ?? "").replaceAll("=", "");
  await writeFile(storage.liveEnvFile ?? "", envFile(keys, { VAPID_PUBLIC_KEY: `"${unpadded}"` }));
  expect(revealed(await loadKeys(storage, undefined))).toEqual(revealed(keys));
});

test("creates keys beside a live file that has their names but no values, like the sample", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  await writeFile(storage.liveEnvFile ?? "", "LOCAL_DOMAIN=example.org\nSECRET_KEY_BASE=\nOTP_SECRET=''\n");
  expect((await loadKeys(storage, freshPins())).fingerprints.size).toBe(4);
});

test("follows a symbolic link to a key", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const keys = await loadKeys(storage, freshPins());
  const file = path.join(storage.directory, "otp.key");
  await rename(file, folder.file("elsewhere"));
  await symlink(folder.file("elsewhere"), file);
  expect(revealed(await loadKeys(storage, undefined))).toEqual(revealed(keys));
});

test("removes what killed agents left, but not what may belong to one that is creating keys", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  const pins = freshPins();
  await loadKeys(storage, pins);
  const old = path.join(storage.directory, ".secret.key.00112233445566ff.tmp");
  const young = path.join(storage.directory, ".otp.key.0011223344556677.tmp");
  const foreign = path.join(storage.directory, "notes.tmp");
  for (const file of [old, young, foreign]) await writeFile(file, "");
  for (const file of [old, foreign]) await utimes(file, 1000, 1000);
  await loadKeys(storage, pins);
  expect((await readdir(storage.directory)).sort()).toEqual(
    [path.basename(young), "notes.tmp", ...NAMES].sort(),
  );
});

test.each(["with its pin", "without a pin", "beside the finished file"])(
  "finishes a key that a killed agent had begun, %s",
  async (state) => {
    await using folder = await temporaryFolder();
    const storage = storageIn(folder.path);
    const made = freshPins();
    const keys = await loadKeys(storage, made);
    const file = path.join(storage.directory, "secret.key");
    const started = path.join(storage.directory, ".secret.key.new");
    await writeFile(started, await readFile(file), { mode: 0o600 });
    if (state !== "beside the finished file") await rm(file);
    const pins = state === "without a pin" ? freshPins() : made;
    expect(revealed(await loadKeys(storage, pins))).toEqual(revealed(keys));
    expect((await readdir(storage.directory)).sort()).toEqual([...NAMES].sort());
    expect(await pins.read()).toEqual(keys.fingerprints);
  },
);
