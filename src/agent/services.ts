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

/** Where an operator finds and puts things. */
export interface Places {
  /** With the jail's parameters; none where they are in the process environment alone. */
  readonly environmentFiles: readonly string[];
  /** Of the settings in KV. */
  readonly prefix: string;
  /** Names in the catalogue, by dependency. */
  readonly services: Readonly<Record<DependencyName, string>>;
}

export function placesOf(options: Options): Places {
  const { environmentFiles, config } = options;
  return { environmentFiles, prefix: config.watch.prefix, services: serviceNames(options) };
}

/** The dependencies whose connections are probed before they are used. */
export function probedDependencies({ config }: Options): readonly ProbedName[] {
  return PROBED_NAMES.filter((name) => config.dependencies[name].probe);
}

/** The dependencies whose connection in use is probed regularly. */
export function checkedDependencies({ config }: Options): readonly CheckedName[] {
  return CHECKED_NAMES.filter((name) => config.dependencies[name].probe);
}

/** Patroni is followed if Postgres is watched and its scope has a name. */
export function patroniScope({ config }: Options): Scope | undefined {
  const { service, patroni } = config.dependencies.postgres;
  return service === "" || patroni.scope === "" ? undefined : patroni;
}
