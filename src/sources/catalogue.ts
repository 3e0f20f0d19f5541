import { DEPENDENCIES, type DependencyName, type DependencySettings } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import { type SettingName, settingSpec } from "../settings/schema.ts";
import type { Refusal } from "../settings/wish.ts";

export interface CatalogueSnapshot {
  readonly instances: readonly Instance[];
  readonly refusals: readonly Refusal[];
}

/**
 * Takes only instances whose host, port and scheme would be acceptable as settings: whoever may register a
 * service must not be able to write anything else into Mastodon's configuration.
 */
export function readCatalogue(dependency: DependencyName, found: readonly Instance[]): CatalogueSnapshot {
  const settings: DependencySettings = DEPENDENCIES[dependency];
  const instances: Instance[] = [];
  const refusals: Refusal[] = [];
  for (const instance of found) {
    const host = settingSpec(settings.host).type.accept(instance.host);
    const faulty = faultyPart(instance, settings);
    if (host !== undefined && faulty === undefined) instances.push({ ...instance, host });
    else refusals.push(refuse(instance, faulty ?? settings.host));
  }
  return { instances, refusals };
}

function faultyPart({ host, port, scheme }: Instance, settings: DependencySettings): SettingName | undefined {
  const parts: [SettingName | undefined, string | undefined][] = [
    [settings.host, host],
    [settings.port, String(port)],
    [settings.scheme, scheme],
  ];
  const [name] =
    parts.find(
      ([setting, text]) => setting && text && settingSpec(setting).type.accept(text) === undefined,
    ) ?? [];
  return name;
}

function refuse({ id, node }: Instance, setting: SettingName): Refusal {
  const { type } = settingSpec(setting);
  return {
    complaint: {
      where: `service ${id} on node ${node}`,
      what: `the instance is not usable as ${setting}: expected ${type.expected}`,
      cure: "Register it with a proper address, port or meta; until then it is no candidate.",
    },
  };
}
