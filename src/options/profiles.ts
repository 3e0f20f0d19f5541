/** The built-in profiles: what a jail or a Linux box looks like unless its configuration file says otherwise. */
export const PROFILE_NAMES = ["potluck", "systemd", "none"] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** The units of the profiles, whether this machine runs them or not. */
export const PROFILE_UNITS = ["sidekiq", "web", "streaming", "nginx", "syslog-ng", "consul"] as const;

/** A configuration as in the file, to be overlaid with the user's. */
export type RawConfig = { readonly [key: string]: unknown };

export interface Places {
  /** Mastodon's checkout. */
  readonly mastodon: string;
  /** `host:port` where the Consul client answers. */
  readonly consul: string;
}

/** The profile's defaults; `places` are the user's if the user moved them, so that files and checks follow. */
export function profileDefaults(name: ProfileName, places: Partial<Places>): RawConfig {
  return PROFILES[name](places);
}

/**
 * `one...`: service(8) does what it is told even for a service that rc.conf does not enable. Without `one` it says so,
 * does nothing, and exits with 0.
 */
const PROFILES: Readonly<Record<ProfileName, (places: Partial<Places>) => RawConfig>> = {
  potluck: ({ mastodon = "/usr/local/www/mastodon", consul = CONSUL }) => ({
    consul: {
      agent: "unit",
      data_dir: "/var/db/consul",
      config_file: "/usr/local/etc/consul.d/agent.json",
      owner: "consul",
      group: "consul",
    },
    paths: {
      mastodon,
      keys: "/mnt/mastodon/private",
      state: "/mnt/mastodon/agent",
      certificates: "/usr/local/etc/ssl",
    },
    certificates: { directory: LETS_ENCRYPT, storage: "/mnt/acme" },
    keys: { require_mount: "/mnt" },
    database: {
      prepare: rails("db:migrate:setup"),
      seed: rails("db:seed"),
      before: rails("db:migrate", "SKIP_POST_DEPLOYMENT_MIGRATIONS=true"),
      after: rails("db:migrate"),
      user: "mastodon",
    },
    files: {
      env: envFile(mastodon),
      nginx: nginxFile("/usr/local/etc/nginx/nginx.conf"),
      syslog_ng: syslogFile("/usr/local/etc/syslog-ng.conf"),
      rc_web: rcFragment("web"),
      rc_sidekiq: rcFragment("sidekiq"),
    },
    units: {
      sidekiq: {
        reload: quietThenStop("/var/run/mastodon/sidekiq.pid"),
        restart: [{ run: ["service", "mastodon_sidekiq", "onerestart"] }],
        start: [{ run: ["service", "mastodon_sidekiq", "onestart"] }],
        health: { pidfile: "/var/run/mastodon/sidekiq.pid", timeout: "60s" },
      },
      web: {
        reload: [{ signal: "USR2", pidfile: "/var/run/mastodon/web.pid", drain: "15s" }],
        restart: [{ run: ["service", "mastodon_web", "onerestart"] }],
        start: [{ run: ["service", "mastodon_web", "onestart"] }],
        health: { http: "http://127.0.0.1:3000/health", timeout: "60s" },
      },
      streaming: {
        reload: [{ signal: "TERM", pidfile: "/var/run/mastodon/streaming.pid" }],
        start: [{ run: ["service", "mastodon_streaming", "onestart"] }],
        health: { http: "http://127.0.0.1:4000/api/v1/streaming/health", timeout: "30s" },
      },
      nginx: serviceUnit("nginx", "reload", { tcp: "127.0.0.1:80", timeout: "30s" }),
      "syslog-ng": serviceUnit("syslog-ng", "reload", { pidfile: "/var/run/syslog.pid", timeout: "30s" }),
      consul: serviceUnit("consul", "restart", { tcp: consul, timeout: "30s" }),
    },
    announce: { also: ["mastodon", "node-exporter"] },
    values: FREEBSD_VALUES,
    variables: { SMTP_CA_FILE: FREEBSD_CA },
  }),
  systemd: ({ mastodon = "/home/mastodon/live", consul = CONSUL }) => ({
    consul: {
      agent: "unit",
      data_dir: "/var/lib/consul",
      config_file: "/etc/consul.d/agent.json",
      owner: "consul",
      group: "consul",
    },
    paths: {
      mastodon,
      keys: "/var/lib/mastodon/private",
      state: "/var/lib/mastodon/agent",
      certificates: "/etc/ssl/mastodon",
    },
    certificates: { directory: "", storage: "/var/lib/mastodon/acme" },
    keys: { require_mount: "" },
    files: { env: envFile(mastodon) },
    units: {
      sidekiq: systemdUnit("mastodon-sidekiq", "restart", {
        run: ["systemctl", "is-active", "--quiet", "mastodon-sidekiq"],
        timeout: "60s",
      }),
      // A worker of puma that hangs is killed by puma itself, after 30 s or more, and then Rails has to boot.
      web: systemdUnit("mastodon-web", "reload", { http: "http://127.0.0.1:3000/health", timeout: "120s" }),
      streaming: systemdUnit("mastodon-streaming", "restart", {
        http: "http://127.0.0.1:4000/api/v1/streaming/health",
        timeout: "30s",
      }),
      consul: systemdUnit("consul", "restart", { tcp: consul, timeout: "30s" }),
    },
    // Neither nginx nor an exporter is part of this profile.
    announce: { also: [] },
    values: LINUX_VALUES,
    variables: { SMTP_CA_FILE: LINUX_CA },
  }),
  none: () => ({
    consul: {
      agent: "external",
      data_dir: "/var/db/consul",
      config_file: "/usr/local/etc/consul.d/agent.json",
    },
    paths: {
      mastodon: "/usr/local/www/mastodon",
      keys: "/mnt/mastodon/private",
      state: "/mnt/mastodon/agent",
      certificates: "/usr/local/etc/ssl",
    },
    certificates: { directory: "", storage: "/mnt/acme" },
    keys: { require_mount: "/mnt" },
    files: {},
    units: {},
    announce: { also: ["mastodon", "node-exporter"] },
    values: FREEBSD_VALUES,
    variables: { SMTP_CA_FILE: FREEBSD_CA },
  }),
};

/**
 * Where the jail's parameters usually are: the first existing one is read, unless the configuration or the command line
 * names others. pot writes the one in /tmp at every start of a jail.
 */
export const USUAL_ENVIRONMENT: Readonly<Record<ProfileName, readonly string[]>> = {
  potluck: ["/tmp/environment.sh", "/usr/local/etc/mastodon-agent.env"],
  systemd: ["/usr/local/etc/mastodon-agent.env"],
  none: [],
};

const CONSUL = "127.0.0.1:8500";
const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/** The public certificate authorities: from the package `ca_root_nss`, and from `ca-certificates`. */
const FREEBSD_CA = "/usr/local/share/certs/ca-root-nss.crt";
const LINUX_CA = "/etc/ssl/certs/ca-certificates.crt";

/** Where nginx and syslog-ng live; `ca` verifies the object storage. */
const NGINX = {
  web: "127.0.0.1:3000",
  streaming: "127.0.0.1:4000",
  log: "/var/log/nginx",
  http: ["80"],
  https: ["443"],
};

/** RFC 5424 on its own port; half a GiB is hours of a busy site. */
const SYSLOG_NG = { port: "601", bsd: "", buffer_bytes: "536870912" };

const FREEBSD_VALUES = {
  nginx: {
    ...NGINX,
    user: "www",
    pid: "/var/run/nginx.pid",
    cache: "/var/cache/nginx",
    ca: FREEBSD_CA,
  },
  syslog_ng: {
    ...SYSLOG_NG,
    buffer: "/var/db/syslog-ng",
    // A jail has no kernel log, which syslog-ng's own defaults for FreeBSD would require.
    sockets: ["/var/run/log"],
    local: "/var/log/messages",
    files: [{ program: "mastodon-agent", path: "/var/log/mastodon-agent.log" }],
  },
};

const LINUX_VALUES = {
  nginx: {
    ...NGINX,
    user: "www-data",
    pid: "/run/nginx.pid",
    cache: "/var/cache/nginx",
    ca: LINUX_CA,
  },
  syslog_ng: { ...SYSLOG_NG, buffer: "/var/lib/syslog-ng", sockets: [], local: "", files: [] },
};

/** Besides Mastodon's variables, only what is named here is in the environment. */
function rails(task: string, ...variables: readonly string[]): readonly string[] {
  return ["env", "RAILS_ENV=production", ...variables, "bin/rails", task];
}

function envFile(mastodon: string): RawConfig {
  return {
    template: "env.production.hbs",
    path: `${mastodon}/.env.production`,
    mode: "0640",
    owner: "mastodon",
    group: "mastodon",
  };
}

function nginxFile(path: string): RawConfig {
  return {
    template: "nginx.conf.hbs",
    path,
    mode: "0644",
    check: ["nginx", "-t", "-q", "-c", "{file}"],
    units: ["nginx"],
  };
}

function syslogFile(path: string): RawConfig {
  return {
    template: "syslog-ng.conf.hbs",
    path,
    mode: "0644",
    check: ["syslog-ng", "--syntax-only", "--cfgfile", "{file}"],
    units: ["syslog-ng"],
    when: "REMOTELOG",
  };
}

/** What puma and sidekiq read before dotenv reaches them through rc.subr's `<name>_env`. */
function rcFragment(unit: "web" | "sidekiq"): RawConfig {
  return { template: `rc.${unit}.hbs`, path: `/usr/local/etc/rc.conf.d/mastodon_${unit}`, mode: "0644" };
}

/** TSTP stops fetching jobs, TERM waits for running ones and requeues the rest; `daemon -r` starts it again. */
function quietThenStop(pidfile: string): readonly RawConfig[] {
  return [{ signal: "TSTP", pidfile }, { wait: "10s" }, { signal: "TERM", pidfile }];
}

function serviceUnit(name: string, reload: "reload" | "restart", health: RawConfig): RawConfig {
  return {
    reload: [{ run: ["service", name, `one${reload}`] }],
    start: [{ run: ["service", name, "onestart"] }],
    health,
  };
}

function systemdUnit(name: string, reload: "reload" | "restart", health: RawConfig): RawConfig {
  return {
    reload: [{ run: ["systemctl", reload, name] }],
    restart: [{ run: ["systemctl", "restart", name] }],
    start: [{ run: ["systemctl", "start", name] }],
    health,
  };
}
