import { once } from "node:events";
import { addressOf } from "../base/address.ts";
import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import type { ProbeFailure, ProbeResult } from "../probe/result.ts";
import type { Notice } from "../report/notice.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import type { CheckedName, DependencyName } from "../settings/dependencies.ts";
import { endpointOf, type Target } from "../settings/targets.ts";
import { probeOnce } from "./probes.ts";

/** One failure is a lost packet or a restarted server; this many in a row are a problem. */
const BAD_LOOKS = 3;
/** Mail servers count connections from strangers, and mail that waits for minutes is not lost. */
const SELDOM: ReadonlySet<CheckedName> = new Set(["smtp"]);
const SELDOM_FACTOR = 10;
/** After a failure it is probed this much sooner, until it is clear whether that was chance. */
const DOUBT_DIVISOR = 6;
/** What stays broken is probed less and less often, up to this many intervals apart. */
const LONGEST_PAUSE = 4;
/** A fleet that started together must not probe together for ever. */
const JITTER = 0.2;

/** How the connection in use was at its last probe. */
export interface ConnectionHealth {
  readonly healthy: boolean;
  /** What is wrong, completing "the connection ..."; empty if nothing is. */
  readonly reason: string;
  /** ISO 8601 times: since when it has been so, and of the last probe. */
  readonly since: string;
  readonly checkedAt: string;
}

export interface ConnectionWatchOptions {
  /** The connection that Mastodon works with; undefined if it has none, or none that can be probed. */
  readonly inForce: (dependency: CheckedName) => Target | undefined;
  readonly intervalMs: number;
  readonly problems: Problems;
  readonly onProbe: (dependency: CheckedName, result: ProbeResult["kind"]) => void;
  /** Reports news, and knows when something else may be in force. */
  readonly notice: Pick<Notice, "subscribe" | "tell">;
  readonly probe?: typeof probeOnce;
}

/**
 * Regularly probes each connection that Mastodon uses, with the credentials in force. It moves nothing: that is for the
 * catalogue, and for the probes of new endpoints. It only reports.
 */
export class ConnectionWatch {
  readonly #options: ConnectionWatchOptions;
  readonly #bells = new Map<CheckedName, Bell>();
  readonly #standings = new Map<CheckedName, Standing>();

  constructor(options: ConnectionWatchOptions) {
    this.#options = options;
  }

  /** By dependency; one that has not been probed yet has no entry. */
  get health(): ReadonlyMap<DependencyName, ConnectionHealth> {
    return new Map([...this.#standings].flatMap(([name, { health }]) => (health ? [[name, health]] : [])));
  }

  async run(names: readonly CheckedName[], signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#options.notice.subscribe(() => this.#follow());
    for (const name of names) this.#bells.set(name, new Bell());
    this.#follow();
    await Promise.all([...this.#bells].map(([name, bell]) => this.#watch(name, bell, signal)));
    unsubscribe();
    if (!signal.aborted) await once(signal, "abort");
  }

  /** Another connection may be in force: nothing is known about it yet, and the old one no longer matters. */
  #follow(): void {
    for (const [name, bell] of this.#bells) {
      const target = this.#options.inForce(name);
      const standing = this.#standings.get(name);
      if (target?.key === standing?.target.key) continue;
      standing?.end.abort();
      if (target === undefined) this.#standings.delete(name);
      else this.#standings.set(name, fresh(target));
      this.#tell();
      bell.ring();
    }
  }

  async #watch(name: CheckedName, bell: Bell, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const standing = this.#standings.get(name);
      if (standing !== undefined && standing.nextMs <= steadyMs()) await this.#look(name, standing, signal);
      else await bell.wait(standing?.nextMs, steadyMs(), signal);
    }
  }

  async #look(name: CheckedName, before: Standing, signal: AbortSignal): Promise<void> {
    const { probe = probeOnce, onProbe } = this.#options;
    const { target, end } = before;
    const result = await probe(target, AbortSignal.any([signal, end.signal]));
    if (signal.aborted || end.signal.aborted) return;
    onProbe(name, result.kind);
    const after = judged(before, result, this.#intervalMs(name));
    this.#standings.set(name, after);
    if (!isSameHealth(before.health, after.health)) this.#tell();
  }

  #tell(): void {
    const { problems, notice } = this.#options;
    problems.replace("connections", [...this.#standings.values()].flatMap(complaint));
    notice.tell();
  }

  #intervalMs(name: CheckedName): number {
    return this.#options.intervalMs * (SELDOM.has(name) ? SELDOM_FACTOR : 1);
  }
}

interface Standing {
  readonly target: Target;
  /** Ends its probe when the connection is left. */
  readonly end: AbortController;
  readonly health: ConnectionHealth | undefined;
  /** Failures in a row. */
  readonly failures: number;
  /** The last failure. */
  readonly failure?: ProbeFailure;
  /** When the next probe is due, on the steady clock. */
  readonly nextMs: number;
}

function fresh(target: Target): Standing {
  return { target, end: new AbortController(), health: undefined, failures: 0, nextMs: 0 };
}

function isSameHealth(one: ConnectionHealth | undefined, other: ConnectionHealth | undefined): boolean {
  return one?.healthy === other?.healthy && one?.reason === other?.reason;
}

/** A few failures leave what was known before. */
function judged(before: Standing, result: ProbeResult, intervalMs: number): Standing {
  const { health, failure: _, ...rest } = before;
  const failures = result.kind === "writable" ? 0 : before.failures + 1;
  const nextMs = steadyMs() + pauseMs(failures, intervalMs);
  const now = new Date().toISOString();
  const isDoubtful = failures > 0 && failures < BAD_LOOKS;
  if (isDoubtful) return { ...rest, health: health && { ...health, checkedAt: now }, failures, nextMs };
  const healthy = failures === 0;
  const since = health?.healthy === healthy ? health.since : now;
  const reason = result.kind === "writable" ? "" : result.reason;
  return {
    ...rest,
    health: { healthy, reason, since, checkedAt: now },
    failures,
    ...(result.kind !== "writable" && { failure: result }),
    nextMs,
  };
}

function pauseMs(failures: number, intervalMs: number): number {
  const jitter = 1 + JITTER * (Math.random() - 0.5);
  if (failures === 0) return intervalMs * jitter;
  if (failures < BAD_LOOKS) return (intervalMs / DOUBT_DIVISOR) * jitter;
  return intervalMs * Math.min(LONGEST_PAUSE, 2 ** (failures - BAD_LOOKS)) * jitter;
}

function complaint({ target, health, failure }: Standing): readonly Complaining[] {
  if (health === undefined || health.healthy) return [];
  const { dependency } = target;
  const address = addressOf(endpointOf(target));
  return [
    problemOf(
      "connection_failing",
      {
        where: `${dependency} ${address}`,
        what: `the connection in use ${health.reason}`,
        cure: `${failure?.cure ?? CURE} Until then everything that Mastodon does with it fails; the agent keeps probing it.`,
      },
      dependency,
    ),
  ];
}

const CURE = "Check that server, and the credentials if it refuses them.";
