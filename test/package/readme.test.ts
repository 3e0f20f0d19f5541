import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const readme = await readFile(path.join(checkout(), "README.md"), "utf8");

test("the README starts with the licence, the maturity and what was not run", () => {
  const [beginning = ""] = readme.split("\n## ");
  for (const said of [
    "MIT",
    "not released",
    "FreeBSD",
    "pot",
    "Nomad",
    "Mastodon's Rails application",
    "Let's Encrypt",
  ])
    expect(beginning).toContain(said);
});

test("the README names one version of Node, once, and it is the one the package requires", async () => {
  const { engines } = JSON.parse(await readFile(path.join(checkout(), "package.json"), "utf8"));
  expect([...readme.matchAll(/Node(?:\.js)? (\d[\d.]*)/g)].map(([, version]) => `>=${version}`)).toEqual([
    engines.node,
  ]);
});

// A jail is separate: its /usr/local must not be the machine's.
if (spawnSync("unshare", ["-m", "true"]).status === 0) {
  test("the README's commands for a jail work as written", { timeout: 120_000 }, async () => {
    await using folder = await temporaryFolder("jail");
    const script = ["set -eu", ...MACHINE_OF_A_JAIL, ...jailCommands()].join("\n");
    await mkdir(folder.file("local"));
    await writeFile(folder.file("script"), script);
    await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder.path]);
    const env = { npm_config_prefix: "/usr/local", npm_config_offline: "true", LOCAL: folder.file("local") };
    const output = await run("unshare", ["-m", "sh", folder.file("script")], { cwd: folder.path, env });
    expect(output).toContain("pkg install");
    expect(output).toContain("service mastodon_agent start");
    // It found the parameters, and went on to look at the rest.
    expect(output).toMatch(/^ok +configuration: environment/m);
    expect(output).not.toContain("not set");
  });
}

/** What FreeBSD would have, and an editor that puts in what the shipped file leaves to its reader. */
const MACHINE_OF_A_JAIL = [
  'NODE=$(dirname "$(readlink -f "$(command -v node)")")',
  'mount --bind "$LOCAL" /usr/local',
  'export PATH="$NODE:/usr/local/bin:$PATH"',
  'for name in pkg sysrc service; do eval "$name() { echo $name \\"\\$@\\"; }"; done',
  `vi() { sed -i "s|'(the key.*)'|pUqJrVyVRj5jsiYEkM/tFQ==|; s|'(a.*)'|something|" "$1"; }`,
];

/** Those that begin with `#`: typed in the jail, as root. */
function jailCommands(): readonly string[] {
  const [, install = ""] = readme.split("\n## Install\n");
  const blocks = [...(install.split("\n## ")[0] ?? "").matchAll(/```console\n(.*?)```/gs)];
  const lines = blocks.flatMap(([, block = ""]) => block.split("\n")).filter((line) => line.startsWith("# "));
  expect(lines.length).toBeGreaterThan(8);
  // Elsewhere than in a jail the agent has much to complain about.
  return lines.map((line) => line.slice(2).replace(/^mastodon-agent .*/, '$& || echo "ended with $?"'));
}
