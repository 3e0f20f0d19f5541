import { DEPENDENCIES, type DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import { typeNamed } from "../settings/slot.ts";
import type { Refusal } from "../settings/wish.ts";

export interface CatalogueSnapshot {
  readonly instances: readonly Instance[];
  readonly refusals: readonly Refusal[];
}

/**
 * An instance whose host, port or scheme would not be acceptable as a setting is at fault and never chosen: whoever may
 * register a service must not be able to write anything else into Mastodon's configuration.
 */
export function readCatalogue(dependency: DependencyName, found: readonly Instance[]): CatalogueSnapshot {
  const { host: hostName } = DEPENDENCIES[dependency];
  const instances: Instance[] = [];
  const refusals: Refusal[] = [];
  for (const instance of found) {
    const faulty = faultyPart(dependency, instance);
    const host = typeNamed(hostName).accept(instance.host);
    if (faulty === undefined && host !== undefined) instances.push({ ...instance, host });
    else {
      const fault = faultAs(faulty ?? hostName);
      instances.push({ ...instance, fault });
      refusals.push(refuse(instance, fault));
    }
  }
  return { instances, refusals };
}

/** The setting or variable that would not take its part of the endpoint. */
function faultyPart(dependency: DependencyName, { host, port, scheme }: Instance): string | undefined {
  const row = DEPENDENCIES[dependency];
  const parts: readonly [string | undefined, string | undefined][] = [
    [row.host, host],
    [row.port, String(port)],
    [row.scheme, scheme],
  ];
  const [name] =
    parts.find(([into, text]) => into && text && typeNamed(into).accept(text) === undefined) ?? [];
  return name;
}

function faultAs(name: string): string {
  return `the instance is not usable as ${name}: expected ${typeNamed(name).expected}`;
}

function refuse({ id, node }: Instance, what: string): Refusal {
  return {
    complaint: {
      where: `service ${id} on node ${node}`,
      what,
      cure: "Register it with a proper address, port or meta; until then it is no candidate.",
    },
  };
}
