import type { Blocking, ConsulClient, KvPair } from "../consul/client.ts";
import { readLeader, type Scope } from "../consul/patroni.ts";
import { type WatchHealth, watch } from "../consul/watch.ts";
import type { Log } from "../report/log.ts";
import { DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import { LEADER_UNASKED, type Leader, leaderInstance, NO_LEADER, nextLeader } from "../settings/leader.ts";
import { readCatalogue } from "../sources/catalogue.ts";

/** The newest snapshot of everything that is watched in Consul; undefined until the first answer. */
export interface World {
  /** Of Postgres, where Patroni is followed. */
  readonly leader: Leader;
  readonly kv: readonly KvPair[] | undefined;
  /** Instances of the Sentinel service, where it is watched. */
  readonly sentinels: readonly Instance[] | undefined;
  /** Instances by dependency, for the dependencies that are watched. */
  readonly catalogue: ReadonlyMap<DependencyName, readonly Instance[] | undefined>;
}

export interface WorldOptions {
  readonly client: ConsulClient;
  readonly prefix: string;
  /** Service names by dependency; an empty name switches the watch off. */
  readonly services: Readonly<Record<DependencyName, string>>;
  /** Name of the Sentinel service; empty: not watched. */
  readonly sentinelService: string;
  /** Undefined: Patroni's leader key is not followed. */
  readonly patroni: Scope | undefined;
  readonly log: Log;
  readonly onChange: () => void;
}

/** The address of a leader may come after its name, and only news of the leader key ends a question for it. */
const LOOK_AGAIN_MS = 1000;

/** Follows the KV prefix and one service a dependency. */
export class WatchedWorld {
  readonly #options: WorldOptions;
  readonly #health = new Map<string, WatchHealth>();
  readonly #catalogue = new Map<DependencyName, readonly Instance[] | undefined>();
  #kv: readonly KvPair[] | undefined;
  #leader: Leader | undefined;
  #sentinels: readonly Instance[] | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    for (const name of this.#watched()) this.#catalogue.set(name, undefined);
  }

  get snapshot(): World {
    const leader = this.#leader ?? (this.#options.patroni === undefined ? NO_LEADER : LEADER_UNASKED);
    return { kv: this.#kv, leader, sentinels: this.#sentinels, catalogue: new Map(this.#catalogue) };
  }

  get health(): readonly WatchHealth[] {
    return [...this.#health.values()];
  }

  /** Every source has answered at least once. */
  get isComplete(): boolean {
    const { patroni, sentinelService } = this.#options;
    const leaderIsKnown = patroni === undefined || this.#leader !== undefined;
    const sentinelsAreKnown = sentinelService === "" || this.#sentinels !== undefined;
    const allAreKnown = [...this.#catalogue.values()].every((instances) => instances !== undefined);
    return this.#kv !== undefined && leaderIsKnown && sentinelsAreKnown && allAreKnown;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#followKv(signal),
      this.#followLeader(signal),
      this.#followSentinels(signal),
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
      poll: (blocking) => {
        const waitMs = this.#leaderIsFound() ? blocking.waitMs : Math.min(blocking.waitMs, LOOK_AGAIN_MS);
        return readLeader(client, patroni, { ...blocking, waitMs });
      },
    });
    for await (const snapshot of leaders) {
      this.#leader = nextLeader(this.#leader, snapshot);
      this.#options.onChange();
    }
  }

  /** False only while there is a leader of which nobody says where it is. */
  #leaderIsFound(): boolean {
    const leader = this.#leader;
    if (leader?.kind !== "member") return true;
    const { instances } = readCatalogue("postgres", this.#catalogue.get("postgres") ?? []);
    return leaderInstance(leader, instances) !== undefined;
  }

  async #followSentinels(signal: AbortSignal): Promise<void> {
    const { sentinelService } = this.#options;
    if (sentinelService === "") return;
    await this.#followInstances(sentinelService, signal, (instances) => {
      this.#sentinels = instances;
    });
  }

  async #followService(name: DependencyName, signal: AbortSignal): Promise<void> {
    await this.#followInstances(this.#options.services[name], signal, (instances) => {
      this.#catalogue.set(name, instances);
    });
  }

  async #followInstances(
    service: string,
    signal: AbortSignal,
    take: (instances: readonly Instance[]) => void,
  ): Promise<void> {
    const { client, onChange } = this.#options;
    const poll = (blocking: Blocking) => client.instances(service, blocking);
    for await (const snapshot of watch({ ...this.#common(`service ${service}`, signal), poll })) {
      take(snapshot);
      onChange();
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
