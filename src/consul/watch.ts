import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import pRetry, { AbortError } from "p-retry";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../report/log.ts";
import type { Answer, Blocking } from "./client.ts";
import { ConsulError } from "./errors.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The health of a watch, for the status. */
export interface WatchHealth {
  readonly name: string;
  /** Milliseconds since the epoch of Consul's last answer. */
  readonly lastAnswerAt: number | undefined;
  readonly index: string;
  /** Why the content may be stale, and what to do. */
  readonly problem: string | undefined;
}

export interface WatchOptions<Value> {
  readonly name: string;
  readonly poll: (blocking: Blocking) => Promise<Answer<Value>>;
  readonly signal: AbortSignal;
  readonly onHealth: (health: WatchHealth) => void;
  readonly log: Log;
  /** How long Consul may hold a query. It also bounds how long a dead connection goes unnoticed. */
  readonly waitMs?: number;
  /** An index that an earlier watch has seen in an answer: servers that are behind it are not believed at once either. */
  readonly sinceIndex?: bigint;
  /** How long servers whose index went back may take to catch up. */
  readonly catchUpMs?: number;
}

const WAIT_MS = 60_000;
const BURST = 20;
const INTERVAL_MS = 25;

/** Querying takes nearly as long as a small change: acting on the news goes first. */
const BREATH_MS = 5;

/** Restarted servers replay their log for a moment, and answer from the middle of it. */
const CATCH_UP_MS = 5_000;

/**
 * Yields the content whenever it has changed, beginning with the first answer. It never ends before its signal aborts:
 * whatever goes wrong is reported, and the query is repeated. An answer that may not be true (hidden by ACLs, from a
 * server without a leader, older than what is known) changes nothing.
 */
export async function* watch<Value>(options: WatchOptions<Value>): AsyncGenerator<Value, void, undefined> {
  const { signal, waitMs = WAIT_MS, catchUpMs = CATCH_UP_MS, sinceIndex = 0n } = options;
  const bucket = new TokenBucket(BURST, INTERVAL_MS);
  const reporter = new Reporter(options);
  let index = 0n;
  let known: { readonly value: Value; readonly index: bigint } | undefined;
  let behindSinceMs: number | undefined;
  while (!signal.aborted) {
    const question = { index, waitMs: behindSinceMs === undefined ? waitMs : catchUpMs, signal };
    const answer = await untilAnswered(options, question, bucket, reporter);
    if (answer === undefined) return;
    const isNews = known === undefined || !isDeepStrictEqual(known.value, answer.value);
    const isBehind = isNews && answer.index < (known?.index ?? sinceIndex);
    behindSinceMs = isBehind ? (behindSinceMs ?? performance.now()) : undefined;
    index = isBehind ? atLeastOne(answer.index) : nextIndex(index, answer.index);
    const isCatchingUp = behindSinceMs !== undefined && performance.now() - behindSinceMs < catchUpMs;
    const isLost = isBehind && known !== undefined && isNothing(answer.value);
    const doubt = doubtAbout(answer) ?? (isCatchingUp ? CATCHING_UP : isLost ? LOST : undefined);
    reporter.answered(index, doubt);
    if (doubt !== undefined) continue;
    known = { value: answer.value, index: answer.index };
    behindSinceMs = undefined;
    if (!isNews) continue;
    yield answer.value;
    await sleep(BREATH_MS, undefined, { signal }).catch(() => {});
  }
}

/** One query, repeated until it is answered; undefined when the signal aborts. */
async function untilAnswered<Value>(
  { poll, signal }: WatchOptions<Value>,
  blocking: Blocking,
  bucket: TokenBucket,
  reporter: Reporter,
): Promise<Answer<Value> | undefined> {
  // After a failure it is not known what happened meanwhile, so the next query is answered at once.
  let question = blocking;
  const ask = async () => {
    await bucket.take(signal);
    return poll(question);
  };
  try {
    return await pRetry(ask, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 250,
      maxTimeout: 15_000,
      randomize: true,
      signal,
      onFailedAttempt: ({ error }) => {
        if (signal.aborted) throw new AbortError("aborted");
        question = { ...blocking, index: 0n };
        reporter.failed(error);
      },
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Indices go backwards when a snapshot is restored or the servers are new: then everything is queried again. */
function nextIndex(before: bigint, answered: bigint): bigint {
  if (answered < before) return 0n;
  return atLeastOne(answered);
}

/** Index 0 would be answered at once. */
function atLeastOne(index: bigint): bigint {
  return index === 0n ? 1n : index;
}

/** Why an answer may not be true. */
export function doubtAbout({ filtered, knownLeader }: Answer<unknown>): string | undefined {
  if (filtered)
    return "Consul hid part of the answer: the token lacks a permission, see packaging/consul-policy.hcl";
  return knownLeader ? undefined : "Consul has no leader, so the answer may be old";
}

/**
 * An index that went back means restarted, restored or replaced servers. They are believed once they had time to catch
 * up, but never that everything is gone.
 */
const CATCHING_UP = "Consul's index went back, so its servers may still be catching up";
const LOST =
  "Consul's servers have lost everything here, so what was last read stays in force. Put it back, or restore a snapshot";

/** An empty list, or no leader key where there was one. */
function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "unseen";
}

/** Reports the health after each answer, and logs a failure once when it begins and once when it ends. */
class Reporter {
  readonly #options: WatchOptions<unknown>;
  #health: WatchHealth;

  constructor(options: WatchOptions<unknown>) {
    this.#options = options;
    this.#health = { name: options.name, lastAnswerAt: undefined, index: "0", problem: undefined };
  }

  answered(index: bigint, problem: string | undefined): void {
    this.#tell({ ...this.#health, lastAnswerAt: Date.now(), index: String(index), problem });
  }

  failed(error: unknown): void {
    this.#tell({ ...this.#health, problem: troubleWith(error) });
  }

  #tell(health: WatchHealth): void {
    const { log, onHealth, name } = this.#options;
    if (health.problem !== undefined && health.problem !== this.#health.problem) {
      log.debug({ watch: name, problem: health.problem }, "watch failing");
    }
    if (health.problem === undefined && this.#health.problem !== undefined)
      log.debug({ watch: name }, "watch recovered");
    this.#health = health;
    onHealth(health);
  }
}

/** What a missing answer means, and what to do. */
export function troubleWith(error: unknown): string {
  if (error instanceof ConsulError && error.kind === "denied") {
    return `permission denied: ${messageOf(error)}. Give the token the policy of packaging/consul-policy.hcl`;
  }
  return `no answer: ${messageOf(error)}`;
}
