import type { Scope } from "../consul/patroni.ts";
import type { Options } from "../options.ts";
import { DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";

/** The names under which dependencies are in the catalogue; an empty one is not watched. */
export function serviceNames({ config }: Options): Record<DependencyName, string> {
  const { postgres, redis, s3 } = config.dependencies;
  return { postgres: postgres.service, redis: redis.service, s3: s3.service };
}

/** The dependencies whose connections are probed before they are used. */
export function probedDependencies({ config }: Options): readonly DependencyName[] {
  return DEPENDENCY_NAMES.filter((name) => config.dependencies[name].probe);
}

/** Patroni is followed where Postgres is watched and its scope has a name. */
export function patroniScope({ config }: Options): Scope | undefined {
  const { service, patroni } = config.dependencies.postgres;
  return service === "" || patroni.scope === "" ? undefined : patroni;
}
