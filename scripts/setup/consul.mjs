// A real Consul. No current Debian has one, but Debian 11 ships 1.8.7: one self-contained program that runs
// on its successors too. It is unpacked into `.world/`; nothing of the machine changes.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownApt } from "./apt.mjs";
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

  brings: () => [".world/bin/", "Consul 1.8.7, from a Debian 11 package"],

  async bring(_missing, { detail }) {
    const mirror = which("apt-get") === undefined ? undefined : debianMirror();
    if (mirror === undefined) throw new Error(`No Debian mirror among apt's sources here. ${OWN_ADVICE}`);
    const folder = mkdtempSync(join(tmpdir(), "consul-package-"));
    try {
      await unpack(mirror, folder, detail);
      install(join(folder, "x", "usr", "bin", "consul"));
    } catch (error) {
      throw new Error(
        `${error.message}\nDebian ${SUITE}'s consul could not be fetched from ${mirror}. ${OWN_ADVICE}`,
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
  writeFileSync(join(folder, "sources.list"), `deb ${keyring}${mirror} ${SUITE} main\n`);
  const settings = [`Dir::Etc::sourcelist=${join(folder, "sources.list")}`, "Dir::Etc::sourceparts=-"];
  const apt = ownApt(folder, { settings, detail });
  await apt.update();
  const [archive] = await apt.download(["consul"]);
  await run("dpkg", ["-x", archive, join(folder, "x")], { detail });
}

function install(program) {
  mkdirSync(inCheckout(".world", "bin"), { recursive: true });
  const unfinished = `${target()}.${process.pid}`;
  copyFileSync(program, unfinished);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, target());
}
