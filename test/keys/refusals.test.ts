import { chmod, copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExitCode, Misconfigured } from "../../src/base/errors.ts";
import { type KeyStorage, loadKeys, type PinnedKeys, type PinStore } from "../../src/keys/load.ts";
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
  writeFiles,
} from "./fixtures/world.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

interface Node {
  /** A folder that is this node's and no other's. */
  readonly folder: string;
  readonly storage: KeyStorage;
  readonly pins: PinStore;
  readonly keys: PinnedKeys;
  key(name: string): string;
  live(text: string): Promise<void>;
}

/** Every refusal of the contract: what an operator finds, what made it so, and what the message must say. */
const REFUSALS: readonly {
  readonly found: string;
  readonly because: (node: Node) => Promise<Partial<KeyStorage> | undefined>;
  readonly says: RegExp;
  readonly cure: RegExp;
}[] = [
  {
    found: "an empty key file",
    because: async ({ key }) => void (await writeFile(key("secret.key"), "")),
    says: /private\/secret\.key: it is not a key file: it is empty/,
    cure: /Put the right file back.*only if no Mastodon ever ran with it, remove it/i,
  },
  {
    found: "a malformed key file",
    because: async ({ key }) => void (await writeFile(key("activerecord.keys"), "rails aborted!\n")),
    says: /activerecord\.keys: it is not a key file: it has no single value for ACTIVE_RECORD/,
    cure: /Put the right file back/,
  },
  {
    found: "a VAPID pair that does not match",
    because: async ({ key, keys }) => {
      const other = OLD_FILES["vapid.keys"].split("\n")[0];
      await writeFile(
        key("vapid.keys"),
        `${other}\nVAPID_PUBLIC_KEY=${revealed(keys)["VAPID_PUBLIC_KEY"]}\n`,
      );
      return undefined;
    },
    says: /vapid\.keys: it is not a key file: VAPID_PUBLIC_KEY does not belong to VAPID_PRIVATE_KEY/,
    cure: /Put the right file back/,
  },
  {
    found: "a directory in place of a key file",
    because: async ({ key }) => {
      await rm(key("otp.key"));
      await mkdir(key("otp.key"));
      return undefined;
    },
    says: /otp\.key: it is not a regular file/,
    cure: /Check what it is/,
  },
  {
    found: "a symbolic link to nothing",
    because: async ({ key, folder }) => {
      await rm(key("otp.key"));
      await symlink(path.join(folder, "nowhere"), key("otp.key"));
      return undefined;
    },
    says: /otp\.key: it is a symbolic link to nothing/,
    cure: /Check what it is/,
  },
  {
    found: "a key file of two megabytes",
    because: async ({ key }) => void (await writeFile(key("otp.key"), "a".repeat(2 * 1024 * 1024))),
    says: /otp\.key: it is larger than 1048576 bytes/,
    cure: /Check what it is/,
  },
  {
    found: "a started key that is none",
    because: async ({ key }) => {
      await rm(key("secret.key"));
      await writeFile(key(".secret.key.new"), "0123");
      return undefined;
    },
    says: /\.secret\.key\.new: it is not a key file: expected 128 lower-case hexadecimal/,
    cure: /The agent did not create it: remove it/,
  },
  {
    found: "storage where nothing is mounted",
    because: async ({ folder }) => ({ requireMount: folder }),
    says: /private: it is not on persistent storage: nothing is mounted at or below/,
    cure: /Mount the storage.*keys\.require_mount/,
  },
  {
    found: "keys outside the persistent mount",
    because: async () => ({ requireMount: "/proc" }),
    says: /private: it is not below \/proc/,
    cure: /keys\.require_mount/,
  },
  {
    found: "a persistent mount that does not exist",
    because: async ({ folder }) => ({ requireMount: path.join(folder, "mnt") }),
    says: /mnt, where it should be mounted, does not exist/,
    cure: /keys\.require_mount/,
  },
  {
    found: "a live file with another key",
    because: async ({ live, keys }) => void (await live(envFile(keys, { SECRET_KEY_BASE: "c".repeat(128) }))),
    says: /\.env\.production: its SECRET_KEY_BASE differs from .*private\/secret\.key/,
    cure: /run `mastodon-agent keys adopt`/,
  },
  {
    found: "a live file with two other keys",
    because: async ({ live }) =>
      void (await live(`OTP_SECRET='${"d".repeat(128)}'\n${OLD_FILES["vapid.keys"]}`)),
    says: /its OTP_SECRET differs from .*otp\.key.*\n.*its VAPID_PRIVATE_KEY, VAPID_PUBLIC_KEY differs/,
    cure: /keys adopt/,
  },
  {
    found: "a live file with the encryption values in each other's places",
    because: async ({ live, keys }) => {
      const values = revealed(keys);
      const at = (name: string) => values[`ACTIVE_RECORD_ENCRYPTION_${name}`] ?? "";
      return void (await live(
        envFile(keys, {
          ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY: at("PRIMARY_KEY"),
          ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT: at("DETERMINISTIC_KEY"),
          ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY: at("KEY_DERIVATION_SALT"),
        }),
      ));
    },
    says: /three encryption values of .*activerecord\.keys in each other's places, and Mastodon has encrypted/,
    cure: /keys adopt/,
  },
  {
    found: "a live file with keys, but no key files",
    because: async ({ live, keys, storage }) => {
      await live(envFile(keys));
      await rm(storage.directory, { recursive: true });
      return undefined;
    },
    says: /\.env\.production: it has SECRET_KEY_BASE, but .*secret\.key is missing/,
    cure: /keys adopt/,
  },
  {
    found: "a copy of the live file beside the keys that has another key",
    because: async ({ key, keys }) =>
      void (await writeFile(key("backup.env.production"), envFile(keys, { OTP_SECRET: "e".repeat(128) }))),
    says: /backup\.env\.production: its OTP_SECRET differs/,
    cure: /keys adopt/,
  },
  {
    found: "a live file that is a directory",
    because: async ({ storage }) => void (await mkdir(storage.liveEnvFile ?? "")),
    says: /\.env\.production: it is not a regular file/,
    cure: /Check what it is/,
  },
  {
    found: "other keys than the ones that are pinned",
    because: async ({ storage }) => void (await writeFiles(storage.directory, OLD_FILES)),
    says: /secret\.key: its fingerprint is [0-9a-f]{16}, but [0-9a-f]{16} is pinned in Consul for this domain/,
    cure: /Copy the key files from a node that has the pinned ones.*Do not make new ones/,
  },
  {
    found: "one file missing although it is pinned",
    because: async ({ key }) => void (await rm(key("vapid.keys"))),
    says: /vapid\.keys: it is missing, but its fingerprint [0-9a-f]{16} is pinned/,
    cure: /storage was lost.*copy the key files from another node.*or from a backup\. Do not make new ones/,
  },
  {
    found: "the whole storage lost",
    because: async ({ storage }) => void (await rm(storage.directory, { recursive: true })),
    says: /secret\.key: it is missing, but.*\n.*otp\.key: it is missing, but.*\n.*vapid\.keys.*\n.*activerecord\.keys/,
    cure: /Do not make new ones/,
  },
  {
    found: "a started key that is not the pinned one",
    because: async ({ key }) => {
      await rm(key("secret.key"));
      await copyFile(key("otp.key"), key(".secret.key.new"));
      return undefined;
    },
    says: /secret\.key: it is missing, but its fingerprint/,
    cure: /copy the key files/,
  },
];

test.each(REFUSALS)(
  "refuses $found, gives the cure, and touches nothing",
  async ({ because, says, cure }) => {
    await using folder = await temporaryFolder();
    const node = await startedNode(folder.path);
    const storage = { ...node.storage, ...(await because(node)) };
    const [filesBefore, pinsBefore] = [await snapshot(folder.path), await node.pins.read()];

    const refusal = await failure(loadKeys(storage, node.pins));

    expect(refusal).toBeInstanceOf(Misconfigured);
    expect(refusal).toMatchObject({ exitCode: ExitCode.misconfigured, message: expect.stringMatching(says) });
    expect(refusal.message).toMatch(cure);
    for (const secret of secretsOf(node.keys)) expect(refusal.message).not.toContain(secret);
    expect(await snapshot(folder.path)).toEqual(filesBefore);
    expect(await node.pins.read()).toEqual(pinsBefore);
  },
);

test("refuses what it may not read or write, and names the user who must be able to", async () => {
  await using folder = await temporaryFolder();
  // Root may read everything, but nobody opens a file below a file.
  await writeFile(folder.file("file"), "");
  const storage = storageIn(folder.path, { directory: folder.file("file", "private") });
  const refusal = await failure(loadKeys(storage, pinsIn(consul.address, freshDomain())));
  expect(refusal).toBeInstanceOf(Misconfigured);
  expect(refusal.message).toMatch(/secret\.key: it cannot be read or written \(ENOTDIR\).*the agent's user/);
});

test("refuses a bad file beside missing ones before it creates any", async () => {
  await using folder = await temporaryFolder();
  const storage = storageIn(folder.path);
  await writeFiles(storage.directory, { "activerecord.keys": "" });
  await chmod(storage.directory, 0o755);
  const before = await snapshot(folder.path);
  const pins = pinsIn(consul.address, freshDomain());
  await expect(loadKeys(storage, pins)).rejects.toThrow(/activerecord\.keys: .*empty/);
  expect(await snapshot(folder.path)).toEqual(before);
  expect((await pins.read()).size).toBe(0);
});

async function startedNode(folder: string): Promise<Node> {
  const storage = storageIn(folder);
  const pins = pinsIn(consul.address, freshDomain());
  const keys = await loadKeys(storage, pins);
  return {
    folder,
    storage,
    pins,
    keys,
    key: (name) => path.join(storage.directory, name),
    live: (text) => writeFile(storage.liveEnvFile ?? "", text),
  };
}

function secretsOf(keys: PinnedKeys): readonly string[] {
  const known = Object.values(revealed(keys));
  return [
    ...known,
    "c".repeat(20),
    "d".repeat(20),
    "e".repeat(20),
    "DDDDDDDD",
    "jpsQnnGQmL",
    "rails aborted",
  ];
}

async function failure(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => new Error("it was not refused"),
    (error: unknown) => error,
  );
  return outcome instanceof Error ? outcome : new Error(String(outcome));
}
