import type { Scope } from "../consul/patroni.ts";
import type { Options } from "../options.ts";
import {
  CHECKED_NAMES,
  type CheckedName,
  type DependencyName,
  PROBED_NAMES,
  type ProbedName,
} from "../settings/dependencies.ts";

/** The names under which dependencies are in the catalogue; an empty one is not watched. */
export function serviceNames({ config }: Options): Record<DependencyName, string> {
  const { dwell: _, ...dependencies } = config.dependencies;
  const names = Object.entries(dependencies).map(([name, { service }]) => [name, service]);
  return Object.fromEntries(names);
}

/** The dependencies whose connections are probed before they are used. */
export function probedDependencies({ config }: Options): readonly ProbedName[] {
  return PROBED_NAMES.filter((name) => config.dependencies[name].probe);
}

/** The dependencies whose connection in use is looked at now and then. */
export function checkedDependencies({ config }: Options): readonly CheckedName[] {
  return CHECKED_NAMES.filter((name) => config.dependencies[name].probe);
}

/** Patroni is followed where Postgres is watched and its scope has a name. */
export function patroniScope({ config }: Options): Scope | undefined {
  const { service, patroni } = config.dependencies.postgres;
  return service === "" || patroni.scope === "" ? undefined : patroni;
}
