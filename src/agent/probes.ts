/** How each dependency is probed: what of its connection goes into which probe, and how long that may take. */
import { splitScheme } from "../base/address.ts";
import { messageOf } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import type { Limits } from "../probe/look.ts";
import type { PostgresTarget } from "../probe/postgres.ts";
import { probeElasticsearch, probePostgres, probeRedis, probeS3, probeSmtp } from "../probe/probe.ts";
import { type ProbeResult, refused } from "../probe/result.ts";
import { placeOf } from "../settings/bucket.ts";
import type { CheckedName } from "../settings/dependencies.ts";
import { mergedOf, type Target } from "../settings/targets.ts";
import { smtpTarget } from "./smtp-target.ts";

interface Probe {
  /** For the whole probe: a server that needs longer to answer is not one to work with. */
  readonly timeoutMs: number;
  readonly look: (target: Target, limits: Limits) => Promise<ProbeResult>;
}

/** One look at a target. An unexpected error is no reason to move, and is reported like any other failure. */
export async function probeOnce(target: Target, signal: AbortSignal): Promise<ProbeResult> {
  const { timeoutMs, look } = PROBES[target.dependency];
  try {
    return await look(target, { timeoutMs, signal });
  } catch (error) {
    const reason = signal.aborted ? "is no longer probed" : `gave an unexpected answer (${messageOf(error)})`;
    return { kind: "unreachable", reason };
  }
}

const PROBES: Readonly<Record<CheckedName, Probe>> = {
  postgres: { timeoutMs: 3000, look: (target, limits) => probePostgres(postgresTargetOf(target), limits) },
  redis: {
    timeoutMs: 3000,
    look: (target, limits) => {
      const read = reader(target);
      const [username, password] = [read("REDIS_USER"), read("REDISPASS")];
      return probeRedis(
        {
          host: read("REDISHOST"),
          port: Number(read("REDISPORT")),
          ...(username !== "" && { username }),
          ...(password !== "" && { password: new Secret(password) }),
          database: Number(read("REDIS_DB")),
        },
        limits,
      );
    },
  },
  s3: {
    timeoutMs: 3000,
    look: (target, limits) => {
      const read = reader(target);
      const [scheme, bucket] = [
        read("BUCKETSCHEME") === "http" ? "http" : "https",
        read("BUCKETNAME"),
      ] as const;
      const byHost = read("S3_OVERRIDE_PATH_STYLE") === "true";
      return probeS3(
        {
          ...placeOf({ scheme, host: read("BUCKETHOST"), bucket, byHost }),
          scheme,
          port: Number(read("BUCKETPORT")),
          bucket,
          region: read("BUCKETREGION"),
          accessKey: read("BUCKETUSER"),
          secretKey: new Secret(read("BUCKETPASS")),
        },
        limits,
      );
    },
  },
  elasticsearch: {
    timeoutMs: 5000,
    look: (target, limits) => {
      const read = reader(target);
      const { scheme, host } = splitScheme(read("ES_HOST"));
      const [user, caFile] = [read("ES_USER"), read("ES_CA_FILE")];
      return probeElasticsearch(
        {
          scheme: scheme === "https" ? "https" : "http",
          host,
          port: Number(read("ES_PORT") || 9200),
          ...(user !== "" && { login: { user, password: new Secret(read("ES_PASS")) } }),
          ...(caFile !== "" && { caFile }),
        },
        limits,
      );
    },
  },
  smtp: {
    timeoutMs: 15_000,
    look: async (target, limits) => {
      const server = smtpTarget(mergedOf(target));
      return server === undefined ? refused("not_ready", "has no name") : probeSmtp(server, limits);
    },
  },
};

/** How Mastodon would log in there. */
export function postgresTargetOf(target: Target): PostgresTarget {
  const read = reader(target);
  const sslmode = read("DB_SSLMODE");
  return {
    host: read("DBHOST"),
    port: Number(read("DBPORT")),
    user: read("DBUSER"),
    password: new Secret(read("DBPASS")),
    database: read("DBNAME"),
    ...(sslmode !== "" && { sslmode }),
  };
}

function reader({ wishes }: Target): (name: string) => string {
  return (name) => {
    const value = wishes.get(name)?.value;
    return value === undefined ? "" : reveal(value);
  };
}
