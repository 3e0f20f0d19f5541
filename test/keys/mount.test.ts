import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { mountComplaint, mountPointsIn } from "../../src/keys/mount.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { storageIn } from "./fixtures/world.ts";

/** A tmpfs that every Linux has, on a device of its own. */
const MOUNTED = "/dev/shm";

test("accepts keys on their own file system, whether their directory exists or not", async () => {
  const folder = await mkdtemp(path.join(MOUNTED, "mastodon-agent-"));
  try {
    for (const directory of [folder, path.join(folder, "mastodon", "private")]) {
      expect(await complaintOf(directory, MOUNTED)).toBeUndefined();
      expect(await complaintOf(directory, "/dev")).toBeUndefined();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("refuses the empty place where the storage should have been mounted", async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("mnt"));
  const complaint = await complaintOf(folder.file("mnt", "mastodon", "private"), folder.file("mnt"));
  expect(complaint?.what).toMatch(/not on persistent storage: nothing is mounted at or below .*mnt/);
});

test("is not fooled by a symbolic link from the mount to elsewhere", async () => {
  await using folder = await temporaryFolder();
  const mounted = await mkdtemp(path.join(MOUNTED, "mastodon-agent-"));
  try {
    await symlink(folder.path, path.join(mounted, "private"));
    const complaint = await complaintOf(path.join(mounted, "private"), MOUNTED);
    expect(complaint?.what).toBe(`it is not below ${MOUNTED}`);
  } finally {
    await rm(mounted, { recursive: true });
  }
});

test("follows a symbolic link to the mount", async () => {
  await using folder = await temporaryFolder();
  await symlink(MOUNTED, folder.file("mnt"));
  expect(await complaintOf(folder.file("mnt", "private"), folder.file("mnt"))).toBeUndefined();
});

test("a sibling with a longer name does not count as a directory below", async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("mnt"));
  await mkdir(folder.file("mnt2"));
  const complaint = await complaintOf(folder.file("mnt2"), folder.file("mnt"));
  expect(complaint?.what).toMatch(/^it is not below/);
});

test("is off when no mount is required", async () => {
  await using folder = await temporaryFolder();
  expect(await complaintOf(folder.path, "")).toBeUndefined();
});

test("reads Linux's mount points, even with blanks in their names", () => {
  const mountinfo = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
36 22 8:1 /srv/keys /mnt/with\\040blank rw master:1 - ext4 /dev/sda1 rw
`;
  expect(mountPointsIn(mountinfo)).toContain("/mnt/with blank");
  expect(mountPointsIn(mountinfo)).toContain("/");
});

// In a mount namespace of its own, so that nothing is left mounted. Containers usually may not make one.
if (mayMount()) {
  test("recognises a bind mount, which has no device of its own", async () => {
    await using folder = await temporaryFolder();
    const mount = folder.file("mnt with blank");
    const mounted = path.join(mount, "mastodon");
    await mkdir(mounted, { recursive: true });
    const module = new URL("../../src/keys/mount.ts", import.meta.url).href;
    const storage = storageIn("", { directory: path.join(mounted, "private"), requireMount: mount });
    const script = `import(${JSON.stringify(module)})
      .then(({ mountComplaint }) => mountComplaint(${JSON.stringify(storage)}))
      .then((complaint) => console.log(complaint?.what ?? "mounted"))`;
    const shell = 'mount --bind "$1" "$1" && exec "$2" -e "$3"';
    const { stdout } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", shell, "sh", mounted, process.execPath, script],
      { encoding: "utf8" },
    );
    expect(stdout).toBe("mounted\n");
    expect((await complaintOf(mounted, mount))?.what).toMatch(/nothing is mounted/);
  });
}

function mayMount(): boolean {
  return spawnSync("unshare", ["-m", "true"]).status === 0;
}

function complaintOf(directory: string, requireMount: string) {
  return mountComplaint(storageIn("", { directory, requireMount }));
}
