import { withScheme } from "../base/address.ts";
import type { SettingName } from "./schema.ts";

/** One of Mastodon's backends: where its endpoint arrives, and what may be chosen for it. */
export interface DependencyRow {
  /** The setting or variable that holds the host. */
  readonly host: string;
  readonly port: string;
  readonly scheme?: SettingName;
  /** The scheme is a part of the host's text, as in `https://search.example.org`. */
  readonly schemeInHost?: true;
  /** The name under which its instances are in the catalogue, unless configured otherwise; empty: not watched. */
  readonly service: string;
  /** Only instances with this tag. */
  readonly tag?: string;
  /** Mastodon can do without it: its lines disappear with the last candidate. */
  readonly optional?: true;
}

/** The backends that Mastodon needs. Adding one is adding a row. */
const ROWS = {
  postgres: { host: "DBHOST", port: "DBPORT", service: "postgresql" },
  redis: { host: "REDISHOST", port: "REDISPORT", service: "redis" },
  s3: { host: "BUCKETHOST", port: "BUCKETPORT", scheme: "BUCKETSCHEME", service: "s3" },
  redis_sidekiq: { host: "SIDEKIQ_REDIS_HOST", port: "SIDEKIQ_REDIS_PORT", service: "" },
  redis_cache: { host: "CACHE_REDIS_HOST", port: "CACHE_REDIS_PORT", service: "" },
  postgres_replica: {
    host: "REPLICA_DB_HOST",
    port: "REPLICA_DB_PORT",
    service: "",
    tag: "replica",
    optional: true,
  },
  elasticsearch: { host: "ES_HOST", port: "ES_PORT", schemeInHost: true, service: "" },
  smtp: { host: "MAILHOST", port: "MAILPORT", service: "" },
} as const satisfies Record<string, DependencyRow>;

export type DependencyName = keyof typeof ROWS;

export const DEPENDENCIES: Readonly<Record<DependencyName, DependencyRow>> = ROWS;

export const DEPENDENCY_NAMES: readonly DependencyName[] = Object.keys(ROWS).filter(isDependencyName);

/** Those that can be probed for whether Mastodon could work with them. */
export const PROBED_NAMES = ["postgres", "redis", "s3"] as const satisfies readonly DependencyName[];
export type ProbedName = (typeof PROBED_NAMES)[number];

/** Those whose connection in use is probed regularly: the probed ones, and others that are used without a prior probe. */
export const CHECKED_NAMES = [
  ...PROBED_NAMES,
  "elasticsearch",
  "smtp",
] as const satisfies readonly DependencyName[];
export type CheckedName = (typeof CHECKED_NAMES)[number];

/** Host and port (and scheme, for S3) that a dependency resolves to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly scheme?: string;
}

/** The settings or variables that say where an endpoint is, and what each has to be. */
export function placesOf(
  name: DependencyName,
  { host, port, scheme }: Endpoint,
): ReadonlyMap<string, string> {
  const row = DEPENDENCIES[name];
  return new Map([
    [row.host, row.schemeInHost ? withScheme(host, scheme) : host],
    [row.port, String(port)],
    ...(row.scheme !== undefined && scheme !== undefined ? [[row.scheme, scheme] as const] : []),
  ]);
}

export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return (
    one.host === other.host &&
    one.port === other.port &&
    (one.scheme ?? other.scheme) === (other.scheme ?? one.scheme)
  );
}

function isDependencyName(name: string): name is DependencyName {
  return Object.hasOwn(ROWS, name);
}
