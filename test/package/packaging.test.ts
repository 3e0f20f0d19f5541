import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/options/config-file.ts";
import { SETTING_NAMES, settingSpec } from "../../src/settings/schema.ts";
import { parseEnvFile } from "../../src/sources/env-file.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const PAGES = ["packaging/README.md", "docs/install-freebsd-pot.md", "docs/install-linux.md"];
const SECRETS = SETTING_NAMES.filter((name) => settingSpec(name).secret);

const shipped = (await readdir("packaging", { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => path.join(parentPath, name));
const texts = new Map(
  await Promise.all(
    shipped.map(async (file): Promise<[string, string]> => [file, await readFile(file, "utf8")]),
  ),
);
const scripts = shipped.filter((file) => text(file).startsWith("#!/bin/sh\n"));

test.each(scripts)("%s is plain sh, and shellcheck does not complain", async (script) => {
  expect(await run("sh", ["-n", script])).toBe("");
  expect(await run("shellcheck", ["--shell=sh", script])).toBe("");
});

test.each(shipped.filter((file) => /\/mastodon-agent[^/]*\.yaml$/.test(file)))(
  "%s is a configuration",
  (file) => {
    expect(() => readConfig(file)).not.toThrow();
  },
);

test.each(PAGES)("every configuration in %s is valid", async (page) => {
  await using folder = await temporaryFolder();
  const file = folder.file("agent.yaml");
  for (const [, block = ""] of (await readFile(page, "utf8")).matchAll(/```yaml\n(.*?)```/gs)) {
    await writeFile(file, block);
    expect(() => readConfig(file), block).not.toThrow();
  }
});

test("the pot set-env example has every parameter, and the agent reads what pot makes of it", async () => {
  await using folder = await temporaryFolder();
  // pot is not here: this is what its set-env and start do (share/pot/set-env.sh, start.sh).
  const pot = `#!/bin/sh
    shift 3
    while [ $# -gt 0 ]; do
      printf 'export "%s"\\n' "$(printf '%s\\n' "$2" | sed 's%"%\\\\"%g')"
      shift 2
    done`;
  await writeFile(folder.file("pot"), pot, { mode: 0o755 });
  const onlyEnv = { PATH: `${folder.path}:/usr/bin:/bin` };
  const { variables, unreadable } = parseEnvFile(
    await run("sh", ["packaging/pot/set-env.sh", "jail"], { onlyEnv }),
  );
  expect(unreadable).toEqual([]);
  expect([...variables.keys()].toSorted()).toEqual(SETTING_NAMES.toSorted());
  expect(variables.get("MAILFROM")?.text).toBe("Mastodon <notifications@example.org>");
});

test("the example of an environment file has every parameter", () => {
  const { variables, unreadable } = parseEnvFile(uncommented(text("packaging/systemd/mastodon-agent.env")));
  expect(unreadable).toEqual([]);
  expect([...variables.keys()].filter((name) => !name.endsWith("_FILE")).toSorted()).toEqual(
    SETTING_NAMES.toSorted(),
  );
});

test("the Nomad job has every parameter, and secrets only in files of their own", () => {
  const job = text("packaging/nomad/mastodon.nomad.hcl");
  const template = /<<-EOT\n(.*?)\n *EOT/s.exec(job)?.[1] ?? "";
  const { variables, unreadable } = parseEnvFile(uncommented(template.replaceAll(/^ +/gm, "")));
  expect(unreadable).toEqual([]);
  const expected = SETTING_NAMES.map((name) => (SECRETS.includes(name) ? `${name}_FILE` : name));
  expect([...variables.keys()].toSorted()).toEqual(expected.toSorted());
  expect(job).not.toMatch(/^\s*env\b/m);
  for (const { text: file } of parseEnvFile(template.replaceAll(/^ +/gm, "")).variables.values()) {
    if (file.startsWith("/secrets/")) expect(job).toContain(`destination = "${file.slice(1)}"`);
  }
});

test("systemd understands the unit, and rates its exposure low", async () => {
  await using folder = await temporaryFolder();
  const unit = folder.file("mastodon-agent.service");
  // It wants to see the program, and the agent is not installed here.
  const installed = text("packaging/systemd/mastodon-agent.service").replace(
    "ExecStart=mastodon-agent",
    `ExecStart=${process.execPath}`,
  );
  await writeFile(unit, installed);
  expect(await run("systemd-analyze", ["verify", "--man=no", unit])).toBe("");
  // Of 100; a threshold that is exceeded ends with 1.
  await run("systemd-analyze", ["security", "--offline=true", "--threshold=20", "--no-pager", unit]);
});

test("nothing shipped passes an option that Node would take, and systemd does not retry what Node refuses", () => {
  const started = [...texts].filter(([, content]) => /mastodon-agent.*\brun\b/.test(content));
  expect(started.length).toBeGreaterThan(2);
  for (const [file, content] of started) expect(content, file).not.toMatch(/--env-file/);
  expect(text("packaging/systemd/mastodon-agent.service")).toMatch(/^RestartPreventExitStatus=9 64 78$/m);
});

test("sudo and doas understand their rules, and logrotate its file", async () => {
  expect(await run("/usr/sbin/visudo", ["-cf", "packaging/sudoers"])).toContain("parsed OK");
  await run("doas", ["-C", "packaging/doas.conf"]);
  expect(await run("/usr/sbin/logrotate", ["--debug", "packaging/logrotate/mastodon-agent"])).not.toMatch(
    /error/i,
  );
});

test("what a shipped configuration runs with doas is allowed there to the letter, and the same with sudo", () => {
  const { units } = readConfig("packaging/freebsd/mastodon-agent.unprivileged.yaml");
  const asked = commandsOf(units).filter(([program]) => program === "doas");
  expect(asked.length).toBeGreaterThan(5);
  for (const [, , command, ...args] of asked) {
    expect(text("packaging/doas.conf")).toContain(
      `permit nopass mastodon as root cmd ${command} args ${args.join(" ")}\n`,
    );
    expect(text("packaging/sudoers")).toMatch(new RegExp(`${command} ${args.join(" ")}[, \n]`));
  }
});

test("sudo allows what the systemd profile runs, to the letter", () => {
  const { units } = readConfig("packaging/systemd/mastodon-agent.yaml");
  const asked = commandsOf(units).filter(([, verb]) => verb !== "is-active");
  expect(asked.length).toBeGreaterThan(5);
  for (const [program, ...args] of asked)
    expect(text("packaging/sudoers")).toMatch(new RegExp(`/usr/bin/${program} ${args.join(" ")}[, \n]`));
});

function commandsOf(units: ReturnType<typeof readConfig>["units"]): readonly (readonly string[])[] {
  return Object.values(units).flatMap(({ reload, restart = [], start = [] }) =>
    [...reload, ...restart, ...start].flatMap((step) => ("run" in step ? [step.run] : [])),
  );
}

/** Examples name what is optional behind a `#`, without a blank. */
function uncommented(example: string): string {
  return example.replaceAll(/^#(?=[A-Z])/gm, "");
}

function text(file: string): string {
  return texts.get(file) ?? "";
}
