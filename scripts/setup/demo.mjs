// What the demo shows Mastodon's stand-in and its backends with.

import { unpackedStep } from "./unpacked.mjs";

export const demoStep = unpackedStep({
  name: "demo",
  packages: [
    "redis-server",
    "postgresql",
    "ruby",
    "puma",
    "ruby-dotenv",
    "ruby-sidekiq",
    "ruby-pg",
    "ruby-redis",
  ],
  programs: {
    "redis-server": { path: "usr/bin/redis-server" },
    "redis-cli": { path: "usr/bin/redis-cli" },
    postgres: { path: "usr/lib/postgresql/#/bin/postgres" },
    initdb: { path: "usr/lib/postgresql/#/bin/initdb" },
    psql: { path: "usr/lib/postgresql/#/bin/psql" },
    ruby: { path: "usr/bin/ruby" },
    puma: { path: "usr/bin/puma", ruby: true },
    sidekiq: { path: "usr/bin/sidekiq", ruby: true },
  },
  trials: [
    ...["redis-server", "redis-cli", "postgres", "initdb", "psql", "puma", "sidekiq"].map((name) => [
      name,
      "--version",
    ]),
    ["ruby", "-e", "%w[dotenv json pg rack redis sidekiq].each { |name| require name }"],
  ],
});
