// A real Consul. No current Debian has one, but Debian 11 ships 1.8.7: one self-contained program that runs
// on its successors too. It is unpacked into `.world/`; nothing of the machine changes. Once the mirrors have dropped
// that release, a newer one is built where Go is.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownApt } from "./apt.mjs";
import { debianMirror } from "./apt-sources.mjs";
import { buildConsul, NEWEST, place } from "./consul-build.mjs";
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

  brings: () => [
    ".world/bin/",
    `Consul 1.8.7, from a Debian 11 package; where that is gone, ${NEWEST}, built with go`,
  ],

  bring: (_missing, progress) => bringConsul({ target: target(), mirror: ownMirror(), progress }),
};

/**
 * By the first way that works.
 *
 * @throws Error with what was wrong with each
 */
export async function bringConsul({ target, mirror, progress, build = buildConsul }) {
  try {
    await fromDebian(mirror, target, progress);
    return;
  } catch (error) {
    if (which("go") === undefined) throw new Error(`${error.message}\n${OWN_ADVICE}`);
    progress.say(`${error.message}\nBuilding Consul ${NEWEST} with go instead: it takes ten minutes or more`);
  }
  try {
    await build(NEWEST, target, progress);
  } catch (error) {
    throw new Error(`${error.message}\nConsul ${NEWEST} could not be built. ${OWN_ADVICE}`);
  }
}

async function fromDebian(mirror, target, { detail }) {
  if (mirror === undefined) throw new Error("No Debian mirror among apt's sources here.");
  const folder = mkdtempSync(join(tmpdir(), "consul-package-"));
  try {
    await unpack(mirror, folder, detail);
    place(join(folder, "x", "usr", "bin", "consul"), target);
  } catch (error) {
    throw new Error(`${error.message}\n${whyNot(error, mirror)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** apt says so of a suite that a mirror does not have. */
function whyNot({ message }, mirror) {
  return /no longer has a Release file|does not have a Release file|404/.test(message)
    ? `Debian 11 (${SUITE}), whose consul is wanted, is no longer on ${mirror}: it is past its end.`
    : `Debian ${SUITE}'s consul did not come from ${mirror}.`;
}

function ownMirror() {
  return which("apt-get") === undefined ? undefined : debianMirror();
}

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
