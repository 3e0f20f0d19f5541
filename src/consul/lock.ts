/** The locks of a domain: one of its nodes at a time makes a routine reload, or does something else that only one may do. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import { visible } from "../base/visible.ts";
import type { Log } from "../report/log.ts";
import type { ConsulClient } from "./client.ts";

export interface FleetLockOptions {
  readonly client: ConsulClient;
  readonly domain: string;
  /** What the turn is for, as the key's last part; by default the turn to reload. */
  readonly name?: string;
  /** The key's value while it is held, so that operators see whose turn it is. */
  readonly node: string;
  /**
   * Called with the holder of the turn whenever that changes; null if nobody has it, and this node may get it in a
   * moment.
   */
  readonly onHolder?: (holder: string | null) => void;
  /** Ends the waiting; it does not release the lock once held. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** How long the lock outlives its holder: at least this long, at most twice as long. Consul's minimum is 10 s. */
  readonly ttlMs?: number;
}

export interface FleetLock extends AsyncDisposable {
  /** Aborted when the session has ended although nobody released it: another node may have it now. */
  readonly lost: AbortSignal;
  /** Lets the next node in. Never fails: if Consul does not hear of it, the session's TTL frees the lock. */
  release(): Promise<void>;
}

const TTL_MS = 10_000;
/** A holder that lost its session may not know it yet; Consul's own default, 15 s, would hold up the whole fleet. */
const LOCK_DELAY_MS = 1_000;
const RETRY_MS = 250;
const WAIT_MS = 60_000;
/** Anyone who may write there could put anything. */
const LONGEST_HOLDER = 100;

/**
 * Waits until this node holds the domain's lock. The session's TTL and lock delay free it when its holder dies.
 * @throws AbortError when the signal aborts
 * @throws ConsulError when Consul cannot be asked
 */
export async function acquireFleetLock(options: FleetLockOptions): Promise<FleetLock> {
  const { client, domain, name, node, signal, log, onHolder, ttlMs = TTL_MS } = options;
  const key = fleetLockKey(domain, name);
  for (;;) {
    await untilFree({ client, key, node, signal, onHolder });
    const id = await take({ client, key, node, signal, ttlMs });
    if (id !== undefined) return hold({ client, key, node, log, ttlMs, id });
    // Another node was faster, or the lock delay of a dead holder lasts: its end wakes nothing.
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** Where an operator can see who holds a lock. */
export function fleetLockKey(domain: string, name = "lock"): string {
  return `mastodon-agent/${domain}/${name}`;
}

interface Wait extends Pick<FleetLockOptions, "client" | "node" | "signal"> {
  readonly key: string;
  readonly onHolder: FleetLockOptions["onHolder"];
}

/** Without a session: a long wait would have to renew it, and a dying waiter would leave it behind. */
async function untilFree({ client, key, node, signal, onHolder }: Wait): Promise<void> {
  let index = 0n;
  for (;;) {
    const { value, index: next } = await client.kvKey(key, { index, waitMs: WAIT_MS, signal });
    if (value?.session === undefined) return void onHolder?.(null);
    const holder = value.value.toString();
    onHolder?.(visible(holder, LONGEST_HOLDER));
    // An earlier run of this agent could not give it back, and is over: its state is locked.
    if (holder === node) await client.destroySession(value.session, signal).catch(() => {});
    index = next || 1n;
  }
}

interface Attempt {
  readonly client: ConsulClient;
  readonly key: string;
  readonly node: string;
  readonly signal: AbortSignal;
  readonly ttlMs: number;
}

/** The session that holds the lock; undefined, and no session, if it could not be taken. */
async function take({ client, key, node, signal, ttlMs }: Attempt): Promise<string | undefined> {
  const session = { name: `mastodon-agent ${node}`, ttlMs, lockDelayMs: LOCK_DELAY_MS };
  const id = await client.createSession(session, signal);
  try {
    if (await client.acquire(key, node, id, signal)) return id;
  } catch (error) {
    // It is not known whether it was taken; the session is ended in any case, and with it the lock.
    await client.destroySession(id).catch(() => {});
    throw error;
  }
  await client.destroySession(id);
  return undefined;
}

interface Held {
  readonly client: ConsulClient;
  readonly key: string;
  readonly node: string;
  readonly log: Log;
  readonly ttlMs: number;
  readonly id: string;
}

function hold(held: Held): FleetLock {
  const { client, key, node, log, id } = held;
  const end = new AbortController();
  const lost = new AbortController();
  const renewing = renew(held, end.signal, lost);
  const giveBack = async () => {
    end.abort();
    await renewing;
    try {
      // Released first: what a session still holds when it is destroyed is subject to the lock delay.
      await client.release(key, node, id);
      await client.destroySession(id);
    } catch (error) {
      log.warn({ key, problem: messageOf(error) }, "fleet lock not released, its session will expire");
    }
  };
  let released: Promise<void> | undefined;
  const release = () => {
    released ??= giveBack();
    return released;
  };
  return { lost: lost.signal, release, [Symbol.asyncDispose]: release };
}

/** Keeps the session alive until the end; if Consul does not answer for the whole TTL it may have expired. */
async function renew({ client, key, log, ttlMs, id }: Held, end: AbortSignal, lost: AbortController) {
  let renewedAtMs = performance.now();
  while (!end.aborted && !lost.signal.aborted) {
    try {
      await sleep(ttlMs / 4, undefined, { signal: end });
      const askedAtMs = performance.now();
      if (await client.renewSession(id, end)) renewedAtMs = askedAtMs;
      else lost.abort(new Error("Consul has ended the session"));
    } catch (error) {
      if (end.aborted) return;
      if (performance.now() - renewedAtMs > ttlMs) lost.abort(error);
    }
  }
  if (lost.signal.aborted) log.warn({ key, problem: messageOf(lost.signal.reason) }, "fleet lock lost");
}
