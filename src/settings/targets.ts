import { digest } from "../base/digest.ts";
import { reveal } from "../base/secret.ts";
import {
  type CheckedName,
  DEPENDENCIES,
  type Endpoint,
  PROBED_NAMES,
  type ProbedName,
  placesOf,
} from "./dependencies.ts";
import type { Merged, Ranked } from "./merge.ts";
import { isSettingName, type SettingName } from "./schema.ts";
import { SENTINEL_VARIABLES } from "./sentinels.ts";
import { rankedIn } from "./slot.ts";
import type { Wish } from "./wish.ts";

/** The settings and variables that make up one connection: they are probed together, and used or rejected together. */
const CONNECTIONS: Readonly<Record<CheckedName, readonly string[]>> = {
  postgres: ["DBHOST", "DBPORT", "DBUSER", "DBPASS", "DBNAME", "DB_SSLMODE"],
  redis: ["REDISHOST", "REDISPORT", "REDISPASS", "REDIS_USER", "REDIS_DB"],
  s3: [
    ...["BUCKETHOST", "BUCKETPORT", "BUCKETSCHEME", "BUCKETNAME", "BUCKETUSER", "BUCKETPASS", "BUCKETREGION"],
    "S3_OVERRIDE_PATH_STYLE",
  ],
  elasticsearch: ["ES_ENABLED", "ES_HOST", "ES_PORT", "ES_USER", "ES_PASS", "ES_CA_FILE"],
  smtp: [
    ...["MAILHOST", "MAILPORT", "MAILUSER", "MAILPASS", "MAILFROM"],
    ...["SMTP_AUTH_METHOD", "SMTP_TLS", "SMTP_SSL", "SMTP_ENABLE_STARTTLS", "SMTP_OPENSSL_VERIFY_MODE"],
    ...["SMTP_CA_FILE", "SMTP_DOMAIN", "SMTP_RETURN_PATH"],
  ],
};

/** Names of the settings and variables that make up a connection. */
export function namesOf(dependency: CheckedName): readonly string[] {
  return CONNECTIONS[dependency];
}

/** One connection with everything needed to try it. */
export interface Target {
  readonly dependency: CheckedName;
  readonly wishes: ReadonlyMap<string, Wish>;
  /** Equal for the same connection; independent of where its parts come from. */
  readonly key: string;
}

export function targetOf(dependency: CheckedName, merged: Merged): Target {
  const wishes = new Map<string, Wish>();
  for (const name of CONNECTIONS[dependency]) {
    const wish = rankedIn(merged, name)?.[0];
    if (wish !== undefined) wishes.set(name, wish);
  }
  return makeTarget(dependency, wishes);
}

export function makeTarget(dependency: CheckedName, wishes: ReadonlyMap<string, Wish>): Target {
  const values = [...wishes].map(([name, { value }]) => [name, reveal(value)]);
  return { dependency, wishes, key: digest(JSON.stringify([dependency, values])) };
}

/** Where it goes, as far as that is known. */
export function endpointOf({ dependency, wishes }: Target): Endpoint {
  const { host, port } = DEPENDENCIES[dependency];
  return {
    host: String(wishes.get(host)?.value ?? ""),
    port: Number(wishes.get(port)?.value ?? 0),
  };
}

/** The same connection to another endpoint. */
export function retarget({ dependency, wishes }: Target, endpoint: Endpoint): Target {
  const elsewhere = placesOf(dependency, endpoint);
  const moved = CONNECTIONS[dependency].flatMap((name): [string, Wish][] => {
    const wish = wishes.get(name);
    const value = elsewhere.get(name) ?? wish?.value;
    return value === undefined ? [] : [[name, { level: "catalogue", where: "probe", ...wish, value }]];
  });
  return makeTarget(dependency, new Map(moved));
}

/** The credentials of one connection at the endpoint of another. */
export function movedTo({ dependency, wishes }: Target, elsewhere: Target): Target {
  const { host, port, scheme } = DEPENDENCIES[dependency];
  const moved = CONNECTIONS[dependency].flatMap((name): [string, Wish][] => {
    const wish = ([host, port, scheme].includes(name) ? elsewhere.wishes : wishes).get(name);
    return wish === undefined ? [] : [[name, wish]];
  });
  return makeTarget(dependency, new Map(moved));
}

/** The settings and variables of one connection only. */
export function mergedOf({ wishes }: Target): Merged {
  const [settings, variables] = [new Map<SettingName, Ranked>(), new Map<string, Ranked>()];
  for (const [name, wish] of wishes) {
    if (isSettingName(name)) settings.set(name, [wish]);
    else variables.set(name, [wish]);
  }
  return { settings, variables, missing: [] };
}

/** The probed connection that a setting or variable is part of, or stands for. */
export function connectionOf(name: string): ProbedName | undefined {
  if (SENTINEL_VARIABLES.some((known) => known === name)) return "redis";
  return PROBED_NAMES.find((dependency) => CONNECTIONS[dependency].includes(name));
}

/** Restores a connection to what it was: only the wishes in force. */
export function withTarget(merged: Merged, { dependency, wishes }: Target): Merged {
  const [settings, variables] = [new Map(merged.settings), new Map(merged.variables)];
  for (const name of CONNECTIONS[dependency]) {
    const inForce = wishes.get(name);
    const ranked: Ranked | undefined = inForce && [inForce];
    if (isSettingName(name)) put(settings, name, ranked);
    else put(variables, name, ranked);
  }
  return { ...merged, settings, variables };
}

function put<Name>(all: Map<Name, Ranked>, name: Name, ranked: Ranked | undefined): void {
  if (ranked === undefined) all.delete(name);
  else all.set(name, ranked);
}
