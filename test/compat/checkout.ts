import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../src/base/errors.ts";
import { program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { type Found, missing, type Subject } from "./version.ts";

/** What is run of Mastodon itself. It is not ours to ship, so a checkout of it has to be named by MASTODON. */
const TESTS = ["--config", "test/compat/vitest.config.ts"];

/** Its own streaming server instead of the stand-in. */
export const streaming: Subject = {
  name: "Mastodon's streaming server",
  tests: [...TESTS, "streaming"],
  find: () =>
    checkoutWith("Install the packages of its streaming/ there", (checkout) =>
      readFile(join(checkout, "streaming", "node_modules", "ioredis", "package.json")),
    ),
};

/** Its configuration files, evaluated by Ruby on what the agent has rendered. */
export const rails: Subject = {
  name: "Mastodon's configuration",
  tests: [...TESTS, "rails"],
  find: () =>
    checkoutWith("Install ruby-activesupport and ruby-addressable", () =>
      run(program("ruby"), ["-r", "active_support/all", "-r", "addressable/uri", "-e", ""]),
    ),
};

async function checkoutWith(cure: string, need: (checkout: string) => Promise<unknown>): Promise<Found> {
  const checkout = process.env["MASTODON"] ?? "";
  if (checkout === "") return missing("MASTODON does not name a checkout of Mastodon");
  try {
    const code = await readFile(join(checkout, "lib", "mastodon", "version.rb"), "utf8");
    const version = ["major", "minor", "patch"].map((part) => numberIn(code, part)).join(".");
    await need(checkout);
    return { kind: "here", version, from: "MASTODON", env: { MASTODON: checkout } };
  } catch (error) {
    return missing(`${messageOf(error)}. ${cure}`);
  }
}

function numberIn(code: string, part: string): string {
  const found = new RegExp(`def ${part}\\s+(\\d+)`).exec(code)?.[1];
  if (found === undefined) throw new Error(`lib/mastodon/version.rb names no ${part}`);
  return found;
}
