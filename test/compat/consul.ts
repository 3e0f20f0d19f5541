import { chmod, cp, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { checkout } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { isExecutable, which } from "./find.ts";
import { type Found, missing, type Subject } from "./version.ts";

/** Newer ones work too: COMPAT_CONSUL=1.23.0 npm run test:compat */
const VERSION = process.env["COMPAT_CONSUL"] ?? "1.22.5";
const MODULE = "github.com/hashicorp/consul";
/** In Consul's go.mod these point into its own repository, which the module's archive does not hold; each is published. */
const PARTS = ["api", "envoyextensions", "proto-public", "sdk", "troubleshoot"];

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
    const onPath = which("consul");
    if (onPath !== undefined) return here(onPath, "PATH");
    const built = join(checkout(), ".world", `consul-${VERSION}`, "consul");
    if (isExecutable(built)) return here(built, "built before from the Go module proxy");
    if (which("go") === undefined)
      return missing("no CONSUL_BIN, no consul on the PATH, and no go to build one");
    say(`building Consul ${VERSION} at low priority: it takes ten minutes or more`);
    try {
      await build(built, say);
      return await here(built, "built from the Go module proxy");
    } catch (error) {
      return missing(`it could not be built: ${error instanceof Error ? error.message : error}`);
    }
  },
};

async function here(binary: string, from: string): Promise<Found> {
  const version = /v(\S+)/.exec(await run(binary, ["version"]))?.[1];
  if (version === undefined) return missing(`${binary} does not say its version`);
  return { kind: "here", version, from, env: { CONSUL_BIN: binary } };
}

/** In a copy of the source, since a module that only requires it would not get its own `replace` and `exclude` lines. */
async function build(target: string, say: (line: string) => void): Promise<void> {
  await using folder = await temporaryFolder("consul-source");
  const env = { GOMAXPROCS: "1", CGO_ENABLED: "0" };
  const source = folder.file("source");
  await cp(await download(env), source, { recursive: true });
  await run("chmod", ["-R", "u+w", source]);
  const drops = PARTS.map((part) => `-dropreplace=${MODULE}/${part}`);
  await run("go", ["mod", "edit", ...drops], { cwd: source, env });
  const flags = ["-mod=mod", "-buildvcs=false", "-p", "1", "-trimpath", "-ldflags", "-s -w"];
  const argv = ["-n", "19", "go", "build", ...flags, "-o", folder.file("consul"), "."];
  const heard = setInterval(() => say("still building"), 60_000);
  try {
    await run("nice", argv, { cwd: source, env });
  } finally {
    clearInterval(heard);
  }
  await mkdir(join(target, ".."), { recursive: true });
  await cp(folder.file("consul"), `${target}.new`);
  await chmod(`${target}.new`, 0o755);
  await rename(`${target}.new`, target);
}

async function download(env: Readonly<Record<string, string>>): Promise<string> {
  await using folder = await temporaryFolder("consul-download");
  const text = await run("go", ["mod", "download", "-json", `${MODULE}@v${VERSION}`], {
    cwd: folder.path,
    env,
  });
  const json: unknown = JSON.parse(text.slice(text.indexOf("{")));
  return z.object({ Dir: z.string() }).parse(json).Dir;
}
