// Programs from Debian packages that are unpacked into `.world/` and not installed. Each gets a launcher in
// `.world/NAME/bin/` that says where its libraries are; whatever is installed on the machine is used from there.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { dirname, join } from "node:path";
import { installedPackages, ownApt } from "./apt.mjs";
import { launcher } from "./launcher.mjs";
import { CHECKOUT, inCheckout } from "./paths.mjs";
import { run } from "./run.mjs";

/** These are for the installation itself, for other languages, for compiled queries and for web pages. */
const NOT_NEEDED =
  /^(perl|libperl|lib.*-perl$|adduser|ucf|sensible-utils|locales|libc-l10n|ssl-cert|lib(llvm|z3)|libjs-|fonts-|postgresql(-client)?-common)/;

/**
 * @param {object} set
 * @param {string} set.name of the folder in `.world/`
 * @param {string[]} set.packages that are unpacked unless the machine has them, with what they depend on
 * @param {Record<string, {path: string, ruby?: true}>} set.programs where each is in its package; a `#` is a version
 * @param {string[][]} set.trials commands that show that all of it works
 */
export function unpackedStep({ name, packages, programs, trials }) {
  const folder = inCheckout(".world", name);
  const trialOf = ([program, ...argv]) => run(join(folder, "bin", program), argv, { cwd: "/" });
  return {
    title: `programs for the ${name}`,

    async missing() {
      const installed = await installedPackages();
      // Elsewhere the programs are the user's own affair; whoever misses one names it.
      if (installed === undefined) return false;
      const missing = packages.filter((one) => !installed.has(one));
      return missing.length === 0 || isUnpacked(folder, missing) ? false : missing;
    },

    brings: (missing) => [
      `.world/${name}/`,
      `Debian packages, unpacked, not installed: ${missing.join(", ")}`,
    ],

    async bring(missing, { detail }) {
      mkdirSync(dirname(folder), { recursive: true });
      const unfinished = mkdtempSync(`${folder}-`);
      try {
        await unpack(missing, unfinished, detail);
        for (const [name, program] of Object.entries(programs)) {
          writeFileSync(join(unfinished, "bin", name), launcher(unfinished, program), { mode: 0o755 });
        }
        writeFileSync(
          join(unfinished, "unpacked.json"),
          JSON.stringify({ system: system(), packages: missing }),
        );
        rmSync(folder, { recursive: true, force: true });
        renameSync(unfinished, folder);
        for (const trial of trials) await trialOf(trial);
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        throw new Error(`${error.message}\n${adviceFor(missing)}`);
      } finally {
        rmSync(unfinished, { recursive: true, force: true });
      }
    },
  };
}

async function unpack(packages, folder, detail) {
  const own = join(folder, "apt");
  const apt = ownApt(own, { detail });
  // The source that does not answer may not be the one with our packages.
  await apt.update().catch(() => {});
  const { installs, upgrades } = await apt.plan(packages);
  const wanted = [...installs, ...upgrades].filter((one) => !NOT_NEEDED.test(one));
  for (const archive of await apt.download(wanted)) await run("dpkg", ["-x", archive, folder], { detail });
  rmSync(own, { recursive: true });
  mkdirSync(join(folder, "bin"));
}

/** Of this very system, and with all that is missing on it. */
function isUnpacked(folder, missing) {
  const record = join(folder, "unpacked.json");
  if (!existsSync(record)) return false;
  const found = JSON.parse(readFileSync(record, "utf8"));
  return found.system === system() && missing.every((one) => found.packages.includes(one));
}

/** What is unpacked on one release may miss a library on the next. */
function system() {
  const [, release] = /^VERSION_ID="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  return `${release} ${arch()}`;
}

function adviceFor(packages) {
  const script = join("scripts", "setup", "install-packages.sh");
  return (
    "They could not be unpacked, or do not run from there. They can be installed instead, with no service\n" +
    `started or enabled. In ${CHECKOUT} type:\n\n  sudo sh ${script} ${packages.join(" ")}\n`
  );
}
