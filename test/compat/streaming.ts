import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../src/base/errors.ts";
import { missing, type Subject } from "./version.ts";

/** Mastodon's own streaming server instead of the stand-in. It is not ours to ship, so a checkout has to be named. */
export const streaming: Subject = {
  name: "Mastodon's streaming server",
  tests: ["--config", "test/compat/vitest.config.ts"],
  find: async () => {
    const checkout = process.env["MASTODON"] ?? "";
    if (checkout === "") return missing("MASTODON does not name a checkout of Mastodon");
    try {
      const code = await readFile(join(checkout, "lib", "mastodon", "version.rb"), "utf8");
      const version = ["major", "minor", "patch"].map((part) => numberIn(code, part)).join(".");
      await readFile(join(checkout, "streaming", "node_modules", "ioredis", "package.json"), "utf8");
      return { kind: "here", version, from: "MASTODON", env: { MASTODON: checkout } };
    } catch (error) {
      return missing(`${messageOf(error)}. Install the packages of its streaming/ there`);
    }
  },
};

function numberIn(code: string, part: string): string {
  const found = new RegExp(`def ${part}\\s+(\\d+)`).exec(code)?.[1];
  if (found === undefined) throw new Error(`lib/mastodon/version.rb names no ${part}`);
  return found;
}
