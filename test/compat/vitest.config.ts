import { defineConfig, mergeConfig } from "vitest/config";
import usual from "../../vitest.config.ts";

/** The tests that need a Mastodon, which nobody can be asked to have. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [] } },
  defineConfig({ test: { include: ["test/compat/*.compat.ts"] } }),
);
