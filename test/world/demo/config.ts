import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ConsulServer } from "../consul.ts";
import type { Mastodon } from "../mastodon.ts";
import type { PostgresServer } from "../postgres.ts";
import { program } from "../programs.ts";

export const DOMAIN = "social.example.org";
export const NODE = "jail1";
/** What `settle.min` is where nobody says otherwise. */
export const SETTLE_MS = 250;

export interface Places {
  readonly folder: string;
  readonly state: string;
  readonly consulAddress: string;
  /** `host:port` of the agent's own HTTP. */
  readonly http: string;
  readonly mastodon: Mastodon;
}

/** What a jail's configuration file would say, with this world's places; what it leaves out is as in a jail. */
export function agentConfig({ folder, state, consulAddress, http, mastodon }: Places): object {
  return {
    profile: "none",
    consul: {
      agent: "child",
      binary: program("consul"),
      address: consulAddress,
      data_dir: join(folder, "consul"),
      config_file: join(folder, "consul.json"),
    },
    // The environment places the object storage and the mail server elsewhere, and nothing probes them.
    dependencies: { s3: { service: "", probe: false }, smtp: { probe: false } },
    paths: {
      mastodon: mastodon.folder,
      keys: join(folder, "keys"),
      state,
      certificates: join(folder, "ssl"),
    },
    keys: { require_mount: "" },
    files: {
      env: { template: "env.production.hbs", path: mastodon.envFile, mode: "0640" },
      rc_web: { template: "rc.web.hbs", path: rcFile(mastodon, "web") },
      rc_sidekiq: { template: "rc.sidekiq.hbs", path: rcFile(mastodon, "sidekiq") },
    },
    units: unitsOf(mastodon),
    values: { nginx: { web: new URL(mastodon.webUrl).host } },
    settle: { min: `${SETTLE_MS}ms` },
    // For whoever plays: a put need not wait for the one before it.
    reload: { min_interval: "0ms" },
    http,
  };
}

/** Those of the potluck profile, with the stand-in's `service`. It has few jobs, so sidekiq need not be `quiet` for long. */
export function unitsOf(
  { pidfiles, healthUrls, serviceArgv }: Mastodon,
  { timeout = "30s", quiet = "100ms" } = {},
): object {
  const { web, sidekiq, streaming } = pidfiles;
  return {
    sidekiq: {
      reload: [{ signal: "TSTP", pidfile: sidekiq }, { wait: quiet }, { signal: "TERM", pidfile: sidekiq }],
      restart: [{ run: serviceArgv("sidekiq", "restart") }],
      start: [{ run: serviceArgv("sidekiq", "start") }],
      health: { pidfile: sidekiq, timeout },
    },
    web: {
      reload: [{ signal: "USR2", pidfile: web, drain: "15s" }],
      restart: [{ run: serviceArgv("web", "restart") }],
      start: [{ run: serviceArgv("web", "start") }],
      health: { http: healthUrls.web, timeout },
    },
    streaming: {
      reload: [{ signal: "TERM", pidfile: streaming }],
      start: [{ run: serviceArgv("streaming", "start") }],
      health: { http: healthUrls.streaming, timeout },
    },
  };
}

function rcFile({ folder }: Mastodon, unit: "web" | "sidekiq"): string {
  return join(folder, "rc.conf.d", `mastodon_${unit}`);
}

/** What the jail is born with. Where Postgres and Redis are it is not told: the catalogue knows. */
export function jail(
  consul: ConsulServer,
  postgres: PostgresServer,
  address: string,
): Record<string, string> {
  return {
    DATACENTER: consul.datacenter,
    IP: address,
    NODENAME: NODE,
    CONSULSERVERS: consul.join,
    GOSSIPKEY: consul.gossipKey ?? "",
    DOMAIN,
    EMAIL: "admin@example.org",
    MAILHOST: "smtp.example.org",
    MAILUSER: "mastodon",
    MAILPASS: randomBytes(12).toString("hex"),
    MAILFROM: "notifications@social.example.org",
    DBUSER: postgres.user,
    DBPASS: postgres.password,
    DBNAME: postgres.database,
    BUCKETHOST: "s3.example.org",
    BUCKETUSER: "mastodon",
    BUCKETPASS: randomBytes(12).toString("hex"),
    BUCKETALIAS: "files.example.org",
    BUCKETREGION: "eu-central-1",
  };
}
