// The bundle, when something that goes into it is newer.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT, inCheckout } from "./paths.mjs";
import { run } from "./run.mjs";

/** The world is part of the bundle because `mastodon-agent demo` starts it. */
const INPUTS = ["src", "templates", "test/world", "scripts/build.mjs", "package.json", "package-lock.json"];

export const buildStep = {
  title: "build",

  missing() {
    const product = inCheckout("dist", "cli.js");
    if (!existsSync(product)) return true;
    const builtAt = statSync(product).mtimeMs;
    return INPUTS.some((name) => newestMs(inCheckout(name)) > builtAt);
  },

  brings: () => ["dist/", "the agent, built"],

  async bring(_missing, { detail }) {
    const node = inCheckout("node_modules", ".bin", "node");
    await run(node, [inCheckout("scripts", "build.mjs")], { cwd: CHECKOUT, detail });
  },
};

function newestMs(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}
