import { bracketed, splitScheme } from "../base/address.ts";
import { reveal, type Secret } from "../base/secret.ts";
import { placeOf } from "./bucket.ts";
import { DEPENDENCIES, type DependencyName, type Endpoint } from "./dependencies.ts";
import { isWithoutLogin } from "./mail.ts";
import type { Merged } from "./merge.ts";
import { lacksPassword, redisUrl } from "./redis.ts";
import type { SettingName } from "./schema.ts";
import { rankedIn } from "./slot.ts";
import type { Origin } from "./variable.ts";
import { VARIABLES } from "./variables.ts";

export type PinnedValues = ReadonlyMap<string, Secret>;

/**
 * The lines of `.env.production`, in the table's order, and then those that are not in the table. A name without a value
 * has no line: empty is not unset.
 */
export function deriveVariables(merged: Merged, pinned: PinnedValues): ReadonlyMap<string, string | Secret> {
  const variables = new Map<string, string | Secret>();
  for (const [name, { origin, written }] of VARIABLES) {
    const value = variableValue(name, origin, merged, pinned);
    if (value !== undefined) variables.set(name, typeof value === "string" ? written(value) : value);
  }
  for (const [name, [{ value }]] of merged.variables) if (!VARIABLES.has(name)) variables.set(name, value);
  return variables;
}

/** Where each dependency is, as far as known. */
export function deriveEndpoint(name: DependencyName, merged: Merged): Endpoint | undefined {
  const { host, port, scheme, schemeInHost } = DEPENDENCIES[name];
  const hostText = textOf(merged, host);
  if (hostText === undefined) return undefined;
  const schemeText = scheme && textOf(merged, scheme);
  return {
    ...(schemeInHost ? splitScheme(hostText) : { host: hostText }),
    port: Number(textOf(merged, port)),
    ...(schemeText !== undefined && { scheme: schemeText }),
  };
}

/** An S3 endpoint as a URL; the scheme's own port is left out. */
export function endpointUrl(endpoint: Endpoint): string {
  return `${endpoint.scheme ?? "https"}://${authority(endpoint)}`;
}

/** Where the bucket's objects are, as Mastodon asks for them; undefined while that is not known. */
export function bucketUrl(merged: Merged): string | undefined {
  const endpoint = deriveEndpoint("s3", merged);
  const bucket = textOf(merged, "BUCKETNAME");
  if (endpoint === undefined || bucket === undefined) return undefined;
  const { scheme = "https", host } = endpoint;
  const place = placeOf({
    scheme,
    host,
    bucket,
    byHost: textOf(merged, "S3_OVERRIDE_PATH_STYLE") === "true",
  });
  return `${endpointUrl({ ...endpoint, host: place.host })}${place.path}`;
}

function variableValue(
  name: string,
  origin: Origin,
  merged: Merged,
  pinned: PinnedValues,
): string | Secret | undefined {
  if (isWithoutLogin(name, merged) || lacksPassword(name, merged)) return undefined;
  switch (origin.kind) {
    case "setting":
      return merged.settings.get(origin.setting)?.[0].value;
    case "pinned":
      return pinned.get(name);
    case "machine":
    case "operator":
      return merged.variables.get(name)?.[0].value ?? companion(name, merged);
    case "derived":
      return DERIVED.get(name)?.(merged);
    case "barred":
      return undefined;
  }
}

/** Mastodon uses a replica only if its database is named too; user and password are the primary's unless put. */
const COMPANIONS: ReadonlyMap<string, SettingName> = new Map([
  ["REPLICA_DB_NAME", "DBNAME"],
  ["REPLICA_DB_USER", "DBUSER"],
  ["REPLICA_DB_PASS", "DBPASS"],
]);

function companion(name: string, merged: Merged): string | Secret | undefined {
  const setting = COMPANIONS.get(name);
  return setting && merged.variables.has("REPLICA_DB_HOST")
    ? merged.settings.get(setting)?.[0].value
    : undefined;
}

type Derivation = (merged: Merged) => string | Secret | undefined;

/** Variables made from other settings or variables. */
const DERIVED: ReadonlyMap<string, Derivation> = new Map<string, Derivation>([
  ["REDIS_URL", redisUrl],
  ["REDIS_USERNAME", (merged) => textOf(merged, "REDIS_USER")],
  ["S3_ENABLED", (merged) => s3(merged, () => "true")],
  ["S3_HOSTNAME", (merged) => s3(merged, authority)],
  ["S3_ENDPOINT", (merged) => s3(merged, endpointUrl)],
]);

function s3(merged: Merged, print: (endpoint: Endpoint) => string): string | undefined {
  const endpoint = deriveEndpoint("s3", merged);
  return endpoint && print(endpoint);
}

function authority({ host, port, scheme = "https" }: Endpoint): string {
  const isUsual = port === (scheme === "https" ? 443 : 80);
  return isUsual ? bracketed(host) : `${bracketed(host)}:${port}`;
}

function textOf(merged: Merged, name: string): string | undefined {
  const value = rankedIn(merged, name)?.[0].value;
  return value === undefined ? undefined : reveal(value);
}
