import type { ConsulClient, KvPair } from "../consul/client.ts";
import { readLeader, type Scope } from "../consul/patroni.ts";
import { type WatchHealth, watch } from "../consul/watch.ts";
import type { Log } from "../report/log.ts";
import { DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import type { Leader } from "../settings/leader.ts";

/** The newest snapshot of everything that is watched in Consul; undefined until the first answer. */
export interface World {
  /** Of Postgres, where Patroni is followed. */
  readonly leader: Leader | undefined;
  readonly kv: readonly KvPair[] | undefined;
  /** Instances by dependency, for the dependencies that are watched. */
  readonly catalogue: ReadonlyMap<DependencyName, readonly Instance[] | undefined>;
}

export interface WorldOptions {
  readonly client: ConsulClient;
  readonly prefix: string;
  /** Service names by dependency; an empty name switches the watch off. */
  readonly services: Readonly<Record<DependencyName, string>>;
  /** Undefined: Patroni's leader key is not followed. */
  readonly patroni: Scope | undefined;
  readonly log: Log;
  readonly onChange: () => void;
}

/** Follows the KV prefix and one service a dependency. */
export class WatchedWorld {
  readonly #options: WorldOptions;
  readonly #health = new Map<string, WatchHealth>();
  readonly #catalogue = new Map<DependencyName, readonly Instance[] | undefined>();
  #kv: readonly KvPair[] | undefined;
  #leader: Leader | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    for (const name of this.#watched()) this.#catalogue.set(name, undefined);
  }

  get snapshot(): World {
    return { kv: this.#kv, leader: this.#leader, catalogue: this.#catalogue };
  }

  get health(): readonly WatchHealth[] {
    return [...this.#health.values()];
  }

  /** Every source has answered at least once. */
  get isComplete(): boolean {
    return (
      this.#kv !== undefined && [...this.#catalogue.values()].every((instances) => instances !== undefined)
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#followKv(signal),
      this.#followLeader(signal),
      ...this.#watched().map((name) => this.#followService(name, signal)),
    ]);
  }

  #watched(): DependencyName[] {
    return DEPENDENCY_NAMES.filter((name) => this.#options.services[name] !== "");
  }

  async #followKv(signal: AbortSignal): Promise<void> {
    const { client, prefix } = this.#options;
    const pairs = watch({
      ...this.#common(`kv ${prefix}/`, signal),
      poll: (blocking) => client.kvPrefix(`${prefix}/`, blocking),
    });
    for await (const snapshot of pairs) {
      this.#kv = snapshot;
      this.#options.onChange();
    }
  }

  async #followLeader(signal: AbortSignal): Promise<void> {
    const { client, patroni } = this.#options;
    if (patroni === undefined) return;
    const name = `patroni ${patroni.namespace}/${patroni.scope}`;
    const leaders = watch({
      ...this.#common(name, signal),
      poll: (blocking) => readLeader(client, patroni, blocking),
    });
    for await (const snapshot of leaders) {
      this.#leader = snapshot;
      this.#options.onChange();
    }
  }

  async #followService(name: DependencyName, signal: AbortSignal): Promise<void> {
    const { client, services } = this.#options;
    const instances = watch({
      ...this.#common(`service ${services[name]}`, signal),
      poll: (blocking) => client.instances(services[name], blocking),
    });
    for await (const snapshot of instances) {
      this.#catalogue.set(name, snapshot);
      this.#options.onChange();
    }
  }

  #common(name: string, signal: AbortSignal) {
    const onHealth = (health: WatchHealth): void => {
      const hadProblem = this.#health.get(name)?.problem;
      this.#health.set(name, health);
      if (health.problem !== hadProblem) this.#options.onChange();
    };
    return { name, signal, onHealth, log: this.#options.log };
  }
}
