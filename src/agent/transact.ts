import type { UnitSpec } from "../apply/config.ts";
import type { Gate } from "../apply/gate.ts";
import { inHaste, type Placed, type Plan, plan, type Running } from "../apply/plan.ts";
import { isRunning } from "../apply/running.ts";
import { apply } from "../apply/transaction.ts";
import type { Observe } from "../base/span.ts";
import type { Log } from "../report/log.ts";
import type { StateStore } from "../state/store.ts";
import type { Memory } from "./memory.ts";

/** What both the Consul client's configuration and Mastodon's need to get from desired to applied. */
export interface Workshop {
  readonly units: readonly UnitSpec[];
  readonly store: StateStore<Memory>;
  readonly log: Log;
}

interface Watched extends Workshop {
  readonly observe?: Observe;
}

/** What has to be done, as far as disk and memory show; whether units run is not checked. */
export function differences(desired: Placed, { units, store }: Workshop): Plan {
  return plan(desired, known(store), units, new Map());
}

/** The full plan, with a look at each unit: one that is down is started if it has steps for that. */
export async function fullPlan(desired: Placed, { units, store }: Workshop, isUrgent = false): Promise<Plan> {
  const concerned = units.filter(({ name }) => desired.units.has(name));
  const running = await Promise.all(
    concerned.map(async (unit): Promise<[string, Running]> => [unit.name, await isRunning(unit, isUrgent)]),
  );
  const full = plan(desired, known(store), units, new Map(running));
  return isUrgent ? inHaste(full) : full;
}

export function isEmpty({ writes, actions }: Plan): boolean {
  return writes.length === 0 && actions.length === 0;
}

/** @param intent is on disk, with what is recorded before the first rename, until the caller removes it */
export async function carryOut(
  task: Plan,
  { store, log, observe }: Watched,
  redact: (text: string) => string,
  signal: AbortSignal,
  gate?: Gate,
  intent?: string,
): ReturnType<typeof apply> {
  return apply(task, {
    log,
    signal,
    ...(observe && { observe }),
    redact,
    gate,
    remember: (unit, digests) =>
      store.update((memory) => ({
        ...memory,
        ...(intent !== undefined && { intent }),
        units: { ...memory.units, [unit]: digests },
      })),
  });
}

function known(store: StateStore<Memory>): ReadonlyMap<string, Memory["units"][string]> {
  return new Map(Object.entries(store.read().units));
}
