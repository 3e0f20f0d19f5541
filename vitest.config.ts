import { defineConfig } from "vitest/config";

/** The tests start real Consul servers, databases and daemons: seconds, not milliseconds, and two files at a time. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/world/**"],
    reporters: ["default", "./test/world/count-reporter.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
