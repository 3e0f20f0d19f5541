/** Every place a value could come from, in order of precedence, with what is there or why there is nothing. */
import { serviceNames } from "../agent/services.ts";
import type { Options } from "../options.ts";
import type { SettingStatus } from "../report/status.ts";
import { DEPENDENCIES, DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";
import { isSettingName, settingSpec } from "../settings/schema.ts";
import { LEVELS, type Level } from "../settings/wish.ts";
import type { Look } from "./look.ts";

type Value = SettingStatus["values"][number];

export type Place =
  | { readonly level: Level; readonly value: Value }
  /** Nothing is there; where to put it, or why there cannot be anything. */
  | { readonly level: Level; readonly nothing: string };

/** The file that was there before is only a place for what was carried over from it. */
export function placesOf({ name, values }: SettingStatus, options: Options, seen: Look): readonly Place[] {
  return LEVELS.flatMap((level): readonly Place[] => {
    const there = values.filter((value) => value.level === level);
    if (there.length > 0 || level === "live file") return there.map((value) => ({ level, value }));
    return [{ level, nothing: WHY_NOTHING[level](name, options, seen) }];
  });
}

const WHY_NOTHING: Readonly<
  Record<Exclude<Level, "live file">, (name: string, options: Options, seen: Look) => string>
> = {
  node: (...asked) => nothingInKv("node", ...asked),
  shared: (...asked) => nothingInKv("shared", ...asked),
  catalogue: nothingInCatalogue,
  environment: (name) =>
    isSettingName(name) ? `${name} is not set` : "variables are not taken from the environment",
  default: () => "there is none",
};

function nothingInKv(level: "node" | "shared", name: string, options: Options, { evaluation }: Look): string {
  if (isSettingName(name) && settingSpec(name).join)
    return "it is needed to reach Consul, so it cannot come from Consul";
  const key = keyOf(level, name, options);
  const isRefused = evaluation.kv.refusals.some(({ complaint }) => complaint.where === key);
  return isRefused ? `${key} is refused, see below` : `nothing at ${key}`;
}

function nothingInCatalogue(name: string, options: Options, { evaluation }: Look): string {
  const dependency = dependencyOf(name);
  if (dependency === undefined) return "hosts and ports only";
  const service = serviceNames(options)[dependency];
  if (service === "") return `${dependency} is not watched`;
  const instances = evaluation.instances.get(dependency);
  if (instances === undefined) return `service ${service}: Consul has not answered`;
  return instances.length === 0
    ? `no instance of service ${service}`
    : `service ${service}: not chosen, or overridden`;
}

function keyOf(level: "node" | "shared", name: string, { config, node }: Options): string {
  const folder = level === "node" ? `${config.watch.prefix}/nodes/${node}` : config.watch.prefix;
  return `${folder}/${isSettingName(name) ? "settings" : "env"}/${name}`;
}

function dependencyOf(name: string): DependencyName | undefined {
  return DEPENDENCY_NAMES.find((dependency) => {
    const { host, port, scheme } = DEPENDENCIES[dependency];
    return [host, port, scheme].some((known) => known === name);
  });
}
