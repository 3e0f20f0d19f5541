// The Debian packages that bring the real programs of the tests.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedPackages, ownApt } from "./apt.mjs";
import { inCheckout } from "./paths.mjs";
import { run } from "./run.mjs";
import { unpackedStep } from "./unpacked.mjs";

/** Their users, units and rules are tested as they are installed. */
const PACKAGES = [
  "redis-server",
  "redis-sentinel",
  "nginx",
  "puma",
  "ruby-dotenv",
  "ruby-sidekiq",
  "ruby-pg",
  "ruby-redis",
  "ruby-addressable",
  "ruby-actionmailer",
  "postgresql",
  "patroni",
  "python3-consul",
  "openssl",
  "pebble",
  "chromium",
  "prometheus",
  "zsh",
  "fish",
  "mandoc",
  "shellcheck",
  "systemd",
  "polkitd",
  "sudo",
  "opendoas",
  "logrotate",
];

/** A machine has one log daemon: to install this one is to remove the one that is there. */
export const syslogStep = unpackedStep({
  name: "tests",
  packages: ["syslog-ng-core"],
  programs: { "syslog-ng": { path: "usr/sbin/syslog-ng", env: { SYSLOGNG_PREFIX: "usr" } } },
  trials: [["syslog-ng", "--version"]],
});

export const debianStep = {
  title: "Debian packages",

  async missing() {
    const installed = await installedPackages();
    // Elsewhere the programs are the user's own affair; the tests name the one that they miss.
    if (installed === undefined) return false;
    const missing = PACKAGES.filter((name) => !installed.has(name));
    return missing.length === 0 ? false : missing;
  },

  brings: (missing) => [
    "this machine",
    `Debian packages, with apt-get, no service started or enabled: ${missing.join(", ")}`,
  ],

  async bring(missing, progress) {
    const { installs, upgrades } = await planned(missing, progress);
    progress.say(`apt-get installs ${installs.length} packages, dependencies included, and removes none`);
    if (upgrades.length > 0) progress.say(`and has to upgrade ${upgrades.join(", ")}`);
    const argv = ["sh", inCheckout("scripts", "setup", "install-packages.sh"), ...missing];
    const [command, ...rest] = [...(await asRoot(argv)), ...argv];
    await run(command, rest, { detail: progress.detail });
    // From now on the demo's programs are the machine's, as those of the tests are.
    rmSync(inCheckout(".world", "demo"), { recursive: true, force: true });
  },
};

/** @throws Error where something would be removed */
async function planned(packages, { detail }) {
  const folder = mkdtempSync(join(tmpdir(), "apt-plan-"));
  try {
    const apt = ownApt(folder, { detail });
    await apt.update().catch(() => {});
    const plan = await apt.plan(packages);
    if (plan.removes.length === 0) return plan;
    throw new Error(
      `To install them apt would remove ${plan.removes.join(", ")}: nothing was installed. Try the tests on another\n` +
        "machine, or in the image of Dockerfile.test. The demo, `npm start`, needs none of them.",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The words to put before a command so that it runs as root. */
async function asRoot(argv) {
  if (process.getuid() === 0) return [];
  try {
    await run("sudo", ["-n", "true"]);
    return ["sudo", "-n"];
  } catch {
    throw new Error(`Installing them needs root. Type this, then try again:\n\n  sudo ${argv.join(" ")}\n`);
  }
}
