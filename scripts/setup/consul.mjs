// A real Consul. No current Debian has one, but Debian 11 ships 1.8.7: one self-contained program that runs
// on its successors too. It is unpacked into `.world/`; nothing of the machine changes.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianMirror } from "./apt-sources.mjs";
import { inCheckout } from "./paths.mjs";
import { isExecutable, run, which } from "./run.mjs";

const SUITE = "bullseye";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const OWN_ADVICE = "Put a `consul` on the PATH, or set CONSUL_BIN to one, and try again.";

export const consulStep = {
  title: "Consul",

  missing() {
    const own = process.env.CONSUL_BIN;
    if (own !== undefined && own !== "") return false;
    return which("consul") === undefined && !isExecutable(target());
  },

  async bring(_missing, detail) {
    const mirror = which("apt-get") === undefined ? undefined : debianMirror();
    if (mirror === undefined) throw new Error(`No Debian mirror among apt's sources here. ${OWN_ADVICE}`);
    const folder = mkdtempSync(join(tmpdir(), "consul-package-"));
    try {
      await unpack(mirror, folder, detail);
      install(join(folder, "x", "usr", "bin", "consul"));
    } catch (error) {
      throw new Error(
        `${error.message}\nDebian ${SUITE}'s consul did not come from ${mirror}. ${OWN_ADVICE}`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function target() {
  return inCheckout(".world", "bin", "consul");
}

async function unpack(mirror, folder, detail) {
  const keyring = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
  writeFileSync(join(folder, "list"), `deb ${keyring}${mirror} ${SUITE} main\n`);
  mkdirSync(join(folder, "lists", "partial"), { recursive: true });
  mkdirSync(join(folder, "cache", "archives", "partial"), { recursive: true });
  // apt checks the signature, and keeps everything about this suite in the temporary folder.
  const own = [
    `Dir::Etc::sourcelist=${join(folder, "list")}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "Acquire::Languages=none",
    // Else apt drops to a user who may not write here.
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);
  await run("apt-get", [...own, "update"], { cwd: folder, detail });
  await run("apt-get", [...own, "download", "consul"], { cwd: folder, detail });
  const archive = readdirSync(folder).find((name) => name.endsWith(".deb"));
  await run("dpkg", ["-x", archive, "x"], { cwd: folder, detail });
}

function install(program) {
  mkdirSync(inCheckout(".world", "bin"), { recursive: true });
  const unfinished = `${target()}.${process.pid}`;
  copyFileSync(program, unfinished);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, target());
}
