/** What the agent asks Consul. The agent watches the answers; a command asks the same once. */
import type { Answer, Blocking, ConsulClient, KvPair } from "../consul/client.ts";
import { readLeader, type Scope } from "../consul/patroni.ts";
import type { Options } from "../options.ts";
import { DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import type { Leader } from "../settings/leader.ts";
import { patroniScope, serviceNames } from "./services.ts";

/** Where the sources are in Consul. */
export interface Sources {
  readonly prefix: string;
  /** Service names by dependency; an empty one is not asked for. */
  readonly services: Readonly<Record<DependencyName, string>>;
  /** Name of the Sentinel service; empty: not asked for. */
  readonly sentinelService: string;
  /** Undefined: Patroni's leader key is not followed. */
  readonly patroni: Scope | undefined;
}

export interface Question<Value> {
  readonly name: string;
  readonly poll: (blocking: Blocking) => Promise<Answer<Value>>;
}

export interface Questions {
  readonly kv: Question<readonly KvPair[]>;
  readonly leader: Question<Leader> | undefined;
  readonly sentinels: Question<readonly Instance[]> | undefined;
  readonly services: ReadonlyMap<DependencyName, Question<readonly Instance[]>>;
}

export function sourcesOf(options: Options): Sources {
  return {
    prefix: options.config.watch.prefix,
    services: serviceNames(options),
    sentinelService: options.config.dependencies.redis.sentinel.service,
    patroni: patroniScope(options),
  };
}

export function questionsTo(
  client: ConsulClient,
  { prefix, services, sentinelService, patroni }: Sources,
): Questions {
  const instancesOf = (service: string): Question<readonly Instance[]> => ({
    name: `service ${service}`,
    poll: (blocking) => client.instances(service, blocking),
  });
  return {
    kv: { name: `kv ${prefix}/`, poll: (blocking) => client.kvPrefix(`${prefix}/`, blocking) },
    leader: patroni && {
      name: `patroni ${patroni.namespace}/${patroni.scope}`,
      poll: (blocking) => readLeader(client, patroni, blocking),
    },
    sentinels: sentinelService === "" ? undefined : instancesOf(sentinelService),
    services: new Map(
      DEPENDENCY_NAMES.filter((name) => services[name] !== "").map((name) => [
        name,
        instancesOf(services[name]),
      ]),
    ),
  };
}
