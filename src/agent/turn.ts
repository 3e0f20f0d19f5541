import { messageOf } from "../base/errors.ts";
import type { ConsulClient } from "../consul/client.ts";
import { acquireFleetLock, type FleetLock, fleetLockKey } from "../consul/lock.ts";
import type { Log } from "../report/log.ts";
import type { Waiting } from "../report/waiting.ts";

export interface TurnOptions {
  readonly client: ConsulClient;
  readonly node: string;
  readonly log: Log;
  readonly onChange: () => void;
}

/** What it is waiting for: the lock's key, its holder (null: currently nobody), and since when, as ISO 8601 time. */
export type TurnWait = Pick<Extract<Waiting, { kind: "turn" }>, "key" | "holder" | "since">;

type State =
  | { readonly kind: "none" }
  | { readonly kind: "waiting"; readonly end: AbortController; readonly wait: TurnWait }
  /** Without a lock if Consul could not be asked: a node on its own must not wait for the others. */
  | { readonly kind: "ours"; readonly lock: FleetLock | undefined };

/** This node's turn to reload, among the nodes of its domain. It waits in the background and rings when it has come. */
export class Turn {
  readonly #options: TurnOptions;
  #state: State = { kind: "none" };

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  get isOurs(): boolean {
    return this.#state.kind === "ours" && this.#state.lock?.lost.aborted !== true;
  }

  /** Starts to wait, unless it already does. */
  ask(domain: string): TurnWait {
    if (this.#state.kind === "waiting") return this.#state.wait;
    const end = new AbortController();
    const wait = { key: fleetLockKey(domain), holder: null, since: new Date().toISOString() };
    this.#state = { kind: "waiting", end, wait };
    void this.#wait(domain, end);
    return wait;
  }

  /** Lets the next node in, or stops waiting. */
  async end(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "none" };
    if (state.kind === "waiting") state.end.abort();
    if (state.kind === "ours") await state.lock?.release();
  }

  async #wait(domain: string, end: AbortController): Promise<void> {
    const { client, node, log, onChange } = this.#options;
    let lock: FleetLock | undefined;
    try {
      const onHolder = (holder: string | null) => this.#seen(holder, end);
      lock = await acquireFleetLock({ client, domain, node, signal: end.signal, log, onHolder });
    } catch (error) {
      if (end.signal.aborted) return;
      log.warn({ problem: messageOf(error) }, "reloading without the fleet lock");
    }
    if (end.signal.aborted) return void (await lock?.release());
    this.#state = { kind: "ours", lock };
    onChange();
  }

  #seen(holder: string | null, end: AbortController): void {
    const state = this.#state;
    if (state.kind !== "waiting" || state.end !== end || state.wait.holder === holder) return;
    this.#state = { ...state, wait: { ...state.wait, holder } };
    this.#options.onChange();
  }
}
