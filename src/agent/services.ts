import type { Options } from "../options.ts";
import type { DependencyName } from "../settings/dependencies.ts";

/** The names under which dependencies are in the catalogue; an empty one is not watched. */
export function serviceNames({ config }: Options): Record<DependencyName, string> {
  const { postgres, redis, s3 } = config.dependencies;
  return { postgres: postgres.service, redis: redis.service, s3: s3.service };
}
