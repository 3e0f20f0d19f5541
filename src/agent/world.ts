import type { ConsulClient, KvPair } from "../consul/client.ts";
import { type WatchHealth, watch } from "../consul/watch.ts";
import type { Log } from "../report/log.ts";
import type { DependencyName } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import { LEADER_UNASKED, type Leader, leaderInstance, NO_LEADER, nextLeader } from "../settings/leader.ts";
import { readCatalogue } from "../sources/catalogue.ts";
import { type Question, type Questions, questionsTo, type Sources } from "./questions.ts";

/** The newest snapshot of everything watched in Consul; undefined until the first answer. */
export interface World {
  /** For Postgres, if Patroni is followed. */
  readonly leader: Leader;
  readonly kv: readonly KvPair[] | undefined;
  /** Instances of the Sentinel service, if it is watched. */
  readonly sentinels: readonly Instance[] | undefined;
  /** Instances by dependency, for the dependencies that are watched. */
  readonly catalogue: ReadonlyMap<DependencyName, readonly Instance[] | undefined>;
}

export interface WorldOptions extends Sources {
  readonly client: ConsulClient;
  readonly log: Log;
  /** Index that an earlier agent has seen of KV. */
  readonly kvIndex?: bigint;
  readonly onChange: () => void;
}

/** A leader's address may come after its name, and only a change of the leader key ends a query for it. */
const LOOK_AGAIN_MS = 1000;

/** Follows the KV prefix and one service per dependency. */
export class WatchedWorld {
  readonly #options: WorldOptions;
  readonly #questions: Questions;
  readonly #health = new Map<string, WatchHealth>();
  readonly #catalogue = new Map<DependencyName, readonly Instance[] | undefined>();
  #kv: readonly KvPair[] | undefined;
  #leader: Leader | undefined;
  #sentinels: readonly Instance[] | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#questions = questionsTo(options.client, options);
    for (const name of this.#questions.services.keys()) this.#catalogue.set(name, undefined);
  }

  get snapshot(): World {
    const leader = this.#leader ?? (this.#questions.leader === undefined ? NO_LEADER : LEADER_UNASKED);
    return { kv: this.#kv, leader, sentinels: this.#sentinels, catalogue: new Map(this.#catalogue) };
  }

  get health(): readonly WatchHealth[] {
    return [...this.#health.values()];
  }

  /** Every source has answered at least once. */
  get isComplete(): boolean {
    const { leader, sentinels } = this.#questions;
    const leaderIsKnown = leader === undefined || this.#leader !== undefined;
    const sentinelsAreKnown = sentinels === undefined || this.#sentinels !== undefined;
    const allAreKnown = [...this.#catalogue.values()].every((instances) => instances !== undefined);
    return this.#kv !== undefined && leaderIsKnown && sentinelsAreKnown && allAreKnown;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#followKv(signal),
      this.#followLeader(signal),
      this.#followSentinels(signal),
      ...[...this.#questions.services].map(([name, question]) =>
        this.#follow(question, signal, (instances) => this.#catalogue.set(name, instances)),
      ),
    ]);
  }

  async #followKv(signal: AbortSignal): Promise<void> {
    const { kvIndex } = this.#options;
    const { kv } = this.#questions;
    await this.#follow({ ...kv, ...(kvIndex !== undefined && { sinceIndex: kvIndex }) }, signal, (pairs) => {
      this.#kv = pairs;
    });
  }

  async #followLeader(signal: AbortSignal): Promise<void> {
    const question = this.#questions.leader;
    if (question === undefined) return;
    const poll: typeof question.poll = (blocking) => {
      const waitMs = this.#leaderIsFound() ? blocking.waitMs : Math.min(blocking.waitMs, LOOK_AGAIN_MS);
      return question.poll({ ...blocking, waitMs });
    };
    await this.#follow({ ...question, poll }, signal, (leader) => {
      this.#leader = nextLeader(this.#leader, leader);
    });
  }

  /** False only while there is a leader without a known address. */
  #leaderIsFound(): boolean {
    const leader = this.#leader;
    if (leader?.kind !== "member") return true;
    const { instances } = readCatalogue("postgres", this.#catalogue.get("postgres") ?? []);
    return leaderInstance(leader, instances) !== undefined;
  }

  async #followSentinels(signal: AbortSignal): Promise<void> {
    const question = this.#questions.sentinels;
    if (question === undefined) return;
    await this.#follow(question, signal, (instances) => {
      this.#sentinels = instances;
    });
  }

  async #follow<Value>(
    question: Question<Value> & { readonly sinceIndex?: bigint },
    signal: AbortSignal,
    take: (value: Value) => void,
  ): Promise<void> {
    const { log, onChange } = this.#options;
    const { name } = question;
    const onHealth = (health: WatchHealth): void => {
      const hadProblem = this.#health.get(name)?.problem;
      this.#health.set(name, health);
      if (health.problem !== hadProblem) onChange();
    };
    for await (const value of watch({ ...question, signal, onHealth, log })) {
      take(value);
      onChange();
    }
  }
}
