import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { debianMirror } from "../../scripts/setup/apt-sources.mjs";
import { messageOf } from "../../src/base/errors.ts";
import { checkout } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { which } from "./find.ts";
import { type Here, missing, type Subject } from "./version.ts";

/** Others work too: COMPAT_DEBIAN=forky npm run test:compat -- debian */
const SUITE = process.env["COMPAT_DEBIAN"] ?? "trixie";
const NEEDED = ["debootstrap", "unshare", "git"];
/** What a fresh clone needs before it can set itself up. */
const PACKAGES = ["nodejs", "npm", "git", "ca-certificates", "procps"];
const CLONE = "/srv/mastodon-agent";
/** Both commands of a fresh clone; the counts of the tests are the last ones. */
const COMMANDS = `cd ${CLONE} && npm start -- --once; demo=$?; npm test && [ $demo -eq 0 ]`;

/**
 * A whole system in a folder, made from the machine's own mirror, with a clone of what is committed here. All is
 * installed and run inside, and the folder is removed at the end.
 */
export const debian: Subject = {
  name: "Debian",
  tests: [],
  find: async (say) => {
    if (process.getuid?.() !== 0) return missing("making another system takes root");
    const lacking = NEEDED.find((name) => which(name) === undefined);
    if (lacking !== undefined) return missing(`there is no ${lacking}`);
    const mirror = debianMirror();
    if (mirror === undefined) return missing("there is no Debian mirror among apt's sources");
    const root = join(checkout(), ".world", `debian-${SUITE}`);
    const remove = () => rm(root, { recursive: true, force: true });
    // A run that was interrupted has left its folder, but no mount.
    await remove();
    try {
      say(`making a Debian ${SUITE} in ${root}`);
      return { ...(await make(root, mirror)), remove };
    } catch (error) {
      await remove();
      return missing(`it could not be made: ${messageOf(error)}`);
    }
  },
};

async function make(root: string, mirror: string): Promise<Here> {
  await run("debootstrap", ["--variant=minbase", SUITE, root, mirror]);
  // Its network is the machine's, and so is who is trusted there.
  for (const path of ["/etc/resolv.conf", "/usr/local/share/ca-certificates"]) {
    await cp(path, join(root, path), { recursive: true, dereference: true });
  }
  const inside = (...argv: readonly string[]) => run("unshare", insideArgv(root, ...argv));
  await inside("apt-get", "update");
  await inside("apt-get", "install", "--yes", "--no-install-recommends", ...PACKAGES);
  await run("git", ["clone", "--quiet", "--no-hardlinks", checkout(), join(root, CLONE)]);
  return {
    kind: "here",
    version: (await inside("cat", "/etc/debian_version")).trim(),
    from: "by debootstrap, in a folder",
    env: {},
    command: ["unshare", ...insideArgv(root, "sh", "-c", COMMANDS)],
  };
}

function insideArgv(root: string, ...argv: readonly string[]): readonly string[] {
  const script = join(checkout(), "test", "compat", "inside.sh");
  return ["--mount", "--pid", "--fork", "--kill-child", "sh", script, root, ...argv];
}
