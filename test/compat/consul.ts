import { join } from "node:path";
import { buildConsul, NEWEST } from "../../scripts/setup/consul-build.mjs";
import { messageOf } from "../../src/base/errors.ts";
import { checkout } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { isExecutable, which } from "./find.ts";
import { type Found, missing, type Subject } from "./version.ts";

/** Others work too: COMPAT_CONSUL=1.21.0 npm run test:compat */
const VERSION = process.env["COMPAT_CONSUL"] ?? NEWEST;

export const consul: Subject = {
  name: "Consul",
  tests: [
    "test/consul/",
    "test/consul-server.test.ts",
    "test/run/settings.test.ts",
    "test/run/catalogue.test.ts",
    "test/run/outage.test.ts",
    "test/run/child.test.ts",
    "test/run/announce.test.ts",
  ],
  find: async (say) => {
    const own = process.env["CONSUL_BIN"];
    if (own !== undefined && own !== "") return here(own, "CONSUL_BIN");
    const built = join(checkout(), ".world", `consul-${VERSION}`, "consul");
    if (isExecutable(built)) return here(built, "built before from the Go module proxy");
    if (which("go") === undefined) return onPath("there is no go to build one");
    say(`building Consul ${VERSION} at low priority: it takes ten minutes or more`);
    const heard = setInterval(() => say("still building"), 60_000);
    try {
      await buildConsul(VERSION, built);
      return await here(built, "built from the Go module proxy");
    } catch (error) {
      return onPath(`it could not be built: ${messageOf(error)}`);
    } finally {
      clearInterval(heard);
    }
  },
};

/** Whatever version that is. */
async function onPath(reason: string): Promise<Found> {
  const found = which("consul");
  return found === undefined
    ? missing(`${reason}, and there is no CONSUL_BIN and no consul on the PATH`)
    : here(found, `PATH, since ${reason}`);
}

async function here(binary: string, from: string): Promise<Found> {
  const version = /v(\S+)/.exec(await run(binary, ["version"]))?.[1];
  if (version === undefined) return missing(`${binary} does not say its version`);
  return { kind: "here", version, from, env: { CONSUL_BIN: binary } };
}
