import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Health, UnitSpec } from "../apply/config.ts";
import { lookMs, probe } from "../apply/probe.ts";
import type { Complaining, Problems } from "../report/problems.ts";

const LOOK_EVERY_MS = 10_000;
const LONGEST_LOOK_MS = 2000;
/** A unit restarted by somebody else is away for a moment: that is not news yet. */
const BAD_LOOKS = 2;

/** How a unit was at its last check. */
export interface UnitHealth {
  readonly healthy: boolean;
  /** What is wrong; empty if nothing is. */
  readonly reason: string;
  /** ISO 8601 time since when it has been so. */
  readonly since: string;
}

export interface UnitWatchOptions {
  readonly units: readonly UnitSpec[];
  /** True while units are being reloaded: then a check would mean nothing. */
  readonly isBusy: () => boolean;
  readonly redact: (text: string) => string;
  readonly problems: Problems;
  readonly onChange: () => void;
  readonly lookEveryMs?: number;
}

/** Looks at the health of the units while nothing is applied, and reports those that are down. It changes nothing. */
export class UnitWatch {
  readonly #options: UnitWatchOptions;
  readonly #health = new Map<string, UnitHealth>();
  readonly #badLooks = new Map<string, number>();

  constructor(options: UnitWatchOptions) {
    this.#options = options;
  }

  /** By unit; one without a health check has no entry. */
  get health(): ReadonlyMap<string, UnitHealth> {
    return this.#health;
  }

  async run(signal: AbortSignal): Promise<void> {
    const watches = this.#options.units.flatMap(({ name, health }) =>
      health === undefined ? [] : [this.#watch(name, health, signal)],
    );
    const ended = signal.aborted ? undefined : once(signal, "abort");
    await Promise.all([...watches, ended]);
  }

  /** Each unit by itself: a slow command holds up no other unit, and runs once at a time. */
  async #watch(name: string, health: Health, signal: AbortSignal): Promise<void> {
    const { isBusy, lookEveryMs = LOOK_EVERY_MS } = this.#options;
    while (!signal.aborted) {
      if (!isBusy()) await this.#look(name, health, signal);
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    }
  }

  async #look(name: string, health: Health, signal: AbortSignal): Promise<void> {
    const { isBusy, problems, onChange, redact } = this.#options;
    const answer = await probe(health, lookMs(health, LONGEST_LOOK_MS), signal);
    if (signal.aborted || isBusy()) return;
    const before = this.#news();
    this.#take(name, answer.ok ? "" : redact(answer.reason));
    problems.replace("units", this.#complaints());
    if (this.#news() !== before) onChange();
  }

  #take(name: string, reason: string): void {
    const badLooks = reason === "" ? 0 : (this.#badLooks.get(name) ?? 0) + 1;
    this.#badLooks.set(name, badLooks);
    const known = this.#health.get(name);
    const healthy = badLooks === 0 || (badLooks < BAD_LOOKS && known?.healthy !== false);
    const since = known?.healthy === healthy ? known.since : new Date().toISOString();
    this.#health.set(name, { healthy, reason: healthy ? "" : reason, since });
  }

  #complaints(): readonly Complaining[] {
    return [...this.#health].flatMap(([name, { healthy, reason }]) =>
      healthy
        ? []
        : [
            {
              code: "unit_unhealthy",
              about: name,
              message: `unit ${name}: ${reason}. Read the unit's own log, and start the unit if it is down: the agent does so only with a change, or when control/reload is put.`,
            },
          ],
    );
  }

  #news(): string {
    return JSON.stringify([...this.#health]);
  }
}
