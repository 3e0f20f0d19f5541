import { DEPENDENCIES, type DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import { typeNamed } from "../settings/slot.ts";
import type { Refusal } from "../settings/wish.ts";
import { type ReadEndpoint, readEndpoint } from "./endpoint.ts";

export interface CatalogueSnapshot {
  readonly instances: readonly Instance[];
  readonly refusals: readonly Refusal[];
}

/**
 * An instance whose host, port or scheme would not be acceptable as a setting is faulty and never chosen: permission to
 * register a service must not allow writing anything else into Mastodon's configuration.
 */
export function readCatalogue(dependency: DependencyName, found: readonly Instance[]): CatalogueSnapshot {
  const instances: Instance[] = [];
  const refusals: Refusal[] = [];
  for (const instance of found) {
    const read = readInstance(dependency, instance);
    if ("host" in read) {
      instances.push({ ...instance, host: read.host });
      continue;
    }
    const fault = `the instance is ${read.fault}`;
    instances.push({ ...instance, fault });
    refusals.push(refuse(instance, read.name, fault));
  }
  return { instances, refusals };
}

/** One that was not understood has nothing to read. */
function readInstance(dependency: DependencyName, instance: Instance): ReadEndpoint {
  const { fault } = instance;
  return fault === undefined
    ? readEndpoint(dependency, instance)
    : { fault, name: DEPENDENCIES[dependency].host };
}

/**
 * Each sentinel is judged alone, so an unusable one does not affect the others. Mastodon splits the list at every comma
 * and colon, so there is no way to write an IPv6 address, with or without brackets. Sources: `parse_sentinels` in
 * `lib/mastodon/redis_configuration.rb`, `streaming/redis.js`.
 */
export function readSentinels(found: readonly Instance[]): CatalogueSnapshot {
  const instances: Instance[] = [];
  const refusals: Refusal[] = [];
  for (const instance of found) {
    const host = sentinelHost(instance);
    if (host !== undefined) instances.push({ ...instance, host });
    else
      refusals.push(refuse(instance, "REDIS_SENTINELS", `the instance is ${instance.fault ?? NO_SENTINEL}`));
  }
  return { instances, refusals };
}

const NO_SENTINEL =
  "not usable as one of REDIS_SENTINELS: expected a host name or an IPv4 address, and a port from 1 to 65535 (Mastodon does not accept an IPv6 address for a sentinel: register a name, as meta host)";

function sentinelHost({ host, port, fault }: Instance): string | undefined {
  if (fault !== undefined) return undefined;
  const accepted = typeNamed("REDISHOST").accept(host);
  const hasPort = typeNamed("REDISPORT").accept(String(port)) !== undefined;
  return hasPort && !accepted?.includes(":") ? accepted : undefined;
}

function refuse({ id, node }: Instance, name: string, what: string): Refusal {
  return {
    name,
    complaint: {
      where: `service ${id} on node ${node}`,
      what,
      cure: "Register it with a valid address, port or meta; until then it is not a candidate.",
    },
  };
}
