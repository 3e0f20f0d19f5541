import { cp, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { run } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";
import { makeRepository } from "./fixtures/repository.ts";

const GREETING = { name: "greeting", files: { "usr/share/greeting": "hello\n" } };
const HELLO = {
  name: "hello-of-the-test",
  fields: { Depends: "greeting" },
  files: { "usr/lib/hello/1.2/bin/hello": '#!/bin/sh\ncat "$(dirname "$0")/../../../../share/greeting"\n' },
};

test("a program is unpacked with its dependencies, and runs wherever the checkout is moved", async () => {
  await using folder = await temporaryFolder("unpacked");
  const said = await unpack(folder, [["hello"]]);
  expect(said).toContain("not installed: hello-of-the-test");
  await rename(folder.file("checkout"), folder.file("moved"));
  await symlink(folder.file("moved", ".world", "some", "bin", "hello"), folder.file("hello"));
  expect(await run(folder.file("hello"), [], { cwd: "/" })).toBe("hello\n");
});

test("what has been unpacked is not missing, until the machine changes", async () => {
  await using folder = await temporaryFolder("unpacked");
  const said = await unpack(folder, [["hello"]]);
  expect(said).toContain("afterwards: false");
  const record = folder.file("checkout", ".world", "some", "unpacked.json");
  await writeFile(record, (await readFile(record, "utf8")).replace(/"system":"[^"]*"/, '"system":"11 x64"'));
  expect(await step(folder, "console.log(await step.missing());")).toContain("hello-of-the-test");
});

test("a program that does not run from there is removed, and the command that installs it is named", async () => {
  await using folder = await temporaryFolder("unpacked");
  await expect(unpack(folder, [["hello"], ["hello-world"]])).rejects.toThrow(
    /hello-world[\s\S]*sudo sh scripts\/setup\/install-packages\.sh hello-of-the-test/,
  );
  expect(await readdir(folder.file("checkout", ".world"))).toEqual([]);
});

test("nothing is installed that would remove a package from the machine", async () => {
  await using folder = await temporaryFolder("unpacked");
  const daemon = { name: "daemon", fields: { Conflicts: "log-daemon", Provides: "log-daemon" } };
  const { env } = await makeRepository(folder, [daemon], [{ ...daemon, name: "rival" }]);
  await checkoutIn(folder);
  const script = `import { debianStep } from "./scripts/setup/debian.mjs";
await debianStep.bring(["daemon"], { detail() {}, say() {} });`;
  await expect(
    run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder.file("checkout"), env }),
  ).rejects.toThrow(/apt would remove rival: nothing was installed/);
});

// As debhelper writes it for a service.
const SERVICE = {
  name: "service-of-the-test",
  files: {
    "lib/systemd/system/of-the-test.service":
      "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    "etc/init.d/of-the-test":
      "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: of-the-test\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2 3\n# Default-Stop: 0\n### END INIT INFO\n",
  },
  postinst: `#!/bin/sh
set -e
deb-systemd-helper unmask of-the-test.service >/dev/null || true
if deb-systemd-helper --quiet was-enabled of-the-test.service; then
  deb-systemd-helper enable of-the-test.service >/dev/null || true
else
  deb-systemd-helper update-state of-the-test.service >/dev/null || true
fi
update-rc.d of-the-test defaults >/dev/null
echo "start asked of $(command -v invoke-rc.d) and $(command -v deb-systemd-invoke)"
`,
};
const SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const NO_SERVICES = `${import.meta.dirname}/../../scripts/setup/no-services`;

test.each([
  ["enables its service as Debian has it", SYSTEM_PATH, ["of-the-test.service"], ["S01of-the-test"]],
  ["enables nothing for the tests' set-up", `${NO_SERVICES}:${SYSTEM_PATH}`, [], []],
])("a package %s", async (_, PATH, wanted, begun) => {
  await using folder = await temporaryFolder("service");
  const { archive } = await makeRepository(folder, [SERVICE]);
  const root = folder.file("root");
  const database = ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc/rc2.d", "etc/rc3.d"];
  for (const name of database) await mkdir(folder.file("root", name), { recursive: true });
  await writeFile(folder.file("root", "var/lib/dpkg/status"), "");
  const argv = [`--root=${root}`, "--force-script-chrootless", "--force-not-root", "--install"];
  const output = await run("dpkg", [...argv, archive(SERVICE.name)], { env: { PATH } });
  if (PATH !== SYSTEM_PATH) expect(output).toMatch(/asked of \S+no-services\/\S+ and \S+no-services\//);
  expect(await namesIn(root, "etc/systemd/system/multi-user.target.wants")).toEqual(wanted);
  expect((await namesIn(root, "etc/rc2.d")).filter((name) => name.startsWith("S"))).toEqual(begun);
});

test("the tests' set-up installs that way, and removes nothing", async () => {
  const script = await readFile("scripts/setup/install-packages.sh", "utf8");
  expect(script).toMatch(/DPkg::Path="\$here\/no-services:.*\\\n.*--no-install-recommends --no-remove/);
  expect((await readdir("scripts/setup/no-services")).toSorted()).toEqual([
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "invoke-rc.d",
    "update-rc.d",
  ]);
});

async function unpack(folder: TemporaryFolder, trials: readonly (readonly string[])[]): Promise<string> {
  await checkoutIn(folder);
  const { env } = await makeRepository(folder, [HELLO, GREETING]);
  const bring = `const missing = await step.missing();
console.log(...step.brings(missing));
await step.bring(missing, { detail() {} });
console.log("afterwards:", await step.missing());`;
  return step(folder, bring, trials, env);
}

async function step(
  folder: TemporaryFolder,
  work: string,
  trials: readonly (readonly string[])[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const programs = { hello: { path: "usr/lib/hello/#/bin/hello" } };
  const set = { name: "some", packages: [HELLO.name], programs, trials };
  const script = `import { unpackedStep } from "./scripts/setup/unpacked.mjs";
const step = unpackedStep(${JSON.stringify(set)});
${work}`;
  const argv = ["--input-type=module", "-e", script];
  return run(process.execPath, argv, { cwd: folder.file("checkout"), env });
}

async function checkoutIn(folder: TemporaryFolder): Promise<void> {
  await cp("scripts", folder.file("checkout", "scripts"), { recursive: true });
}

async function namesIn(root: string, name: string): Promise<readonly string[]> {
  return readdir(`${root}/${name}`).catch(() => []);
}
