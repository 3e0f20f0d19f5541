import type { SettingName } from "./schema.ts";

/** The settings in which one dependency's endpoint arrives. */
export interface DependencySettings {
  readonly host: SettingName;
  readonly port: SettingName;
  readonly scheme?: SettingName;
  /** The name under which its instances are in the catalogue, unless configured otherwise. */
  readonly service: string;
}

/** The backends that Mastodon needs. Adding one is adding a row here and its settings to the schema. */
export const DEPENDENCIES = {
  postgres: { host: "DBHOST", port: "DBPORT", service: "postgresql" },
  redis: { host: "REDISHOST", port: "REDISPORT", service: "redis" },
  s3: { host: "BUCKETHOST", port: "BUCKETPORT", scheme: "BUCKETSCHEME", service: "s3" },
} as const satisfies Record<string, DependencySettings>;

export type DependencyName = keyof typeof DEPENDENCIES;

export const DEPENDENCY_NAMES = ["postgres", "redis", "s3"] as const satisfies readonly DependencyName[];

/** Host and port (and scheme, for S3) that a dependency resolves to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly scheme?: string;
}

export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return (
    one.host === other.host &&
    one.port === other.port &&
    (one.scheme ?? other.scheme) === (other.scheme ?? one.scheme)
  );
}
