import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { postgresOwner } from "../world/postgres.ts";
import { checkout } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { isExecutable } from "./find.ts";
import { type Found, missing, type Subject } from "./version.ts";

/** Others work too: COMPAT_PATRONI=4.0.11 npm run test:compat */
const VERSION = process.env["COMPAT_PATRONI"] ?? "4.1.5";
const FAILOVER = "test/failover/patroni.test.ts";
/** The system's own, since Patroni runs as a user who may not look into the folders where others keep theirs. */
const PYTHONS = ["/usr/bin/python3", "/usr/local/bin/python3"];

export const patroni: Subject = {
  name: "Patroni",
  tests: ["test/world-patroni.test.ts", ...(existsSync(join(checkout(), FAILOVER)) ? [FAILOVER] : [])],
  find: async (say) => {
    const own = process.env["PATRONI_BIN"];
    if (own !== undefined && own !== "") return here(own, "PATRONI_BIN");
    const folder = join(checkout(), ".world", `patroni-${VERSION}`);
    const binary = join(folder, "bin", "patroni");
    if (isExecutable(binary)) return here(binary, "installed before by pip");
    const python = PYTHONS.find(isExecutable);
    if (python === undefined) return missing(`no PATRONI_BIN, and no ${PYTHONS.join(" or ")} to install one`);
    say(`installing Patroni ${VERSION}`);
    try {
      await install(python, folder);
      return await here(binary, "installed by pip");
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      return missing(`it could not be installed: ${error instanceof Error ? error.message : error}`);
    }
  },
};

async function install(python: string, folder: string): Promise<void> {
  await run(python, ["-m", "venv", folder]);
  const pip = join(folder, "bin", "pip");
  await run(pip, ["install", "--quiet", `patroni[consul]==${VERSION}`, "psycopg2-binary"]);
}

async function here(binary: string, from: string): Promise<Found> {
  try {
    const text = await run(binary, ["--version"], { cwd: "/", env: { LC_ALL: "C" }, ...postgresOwner() });
    const version = /(\d+\.\S+)/.exec(text)?.[1];
    if (version === undefined) return missing(`${binary} does not say its version`);
    return { kind: "here", version, from, env: { PATRONI_BIN: binary } };
  } catch {
    return missing(
      `${binary} cannot be run by the user who owns the databases: move the checkout to where he may read`,
    );
  }
}
