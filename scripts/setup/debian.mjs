// The Debian packages that bring the real programs of the test world.

import { inCheckout } from "./paths.mjs";
import { run, which } from "./run.mjs";

const PACKAGES = [
  "redis-server",
  "redis-sentinel",
  "nginx-light",
  "syslog-ng-core",
  "puma",
  "ruby-dotenv",
  "ruby-sidekiq",
  "ruby-pg",
  "ruby-redis",
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

export const debianStep = {
  title: "Debian packages",

  async missing() {
    // Elsewhere the programs are the user's own affair; the tests name the one that they miss.
    if (which("dpkg-query") === undefined) return false;
    const installed = await installedPackages();
    const missing = PACKAGES.filter((name) => !installed.has(name));
    return missing.length === 0 ? false : missing;
  },

  async bring(missing, detail) {
    const argv = ["sh", inCheckout("scripts", "setup", "install-packages.sh"), ...missing];
    const [command, ...rest] = [...(await asRoot(argv)), ...argv];
    await run(command, rest, { detail });
  },
};

async function installedPackages() {
  // Asked for single names dpkg-query fails when it does not know one: take the whole list, `ii` is installed.
  const output = await run("dpkg-query", ["--list", "--no-pager"]);
  return new Set([...output.matchAll(/^ii\s+([^\s:]+)/gm)].map(([, name]) => name));
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
