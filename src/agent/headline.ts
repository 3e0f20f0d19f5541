import type { State } from "../report/status.ts";
import type { DependencyName } from "../settings/dependencies.ts";
import type { ConnectionHealth } from "./connection-watch.ts";
import type { DatabaseKeeper } from "./database.ts";
import { heldIn } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Loop } from "./loop.ts";
import type { Memory } from "./memory.ts";

/** The state in one word, and why it is so. */
export interface Headline {
  readonly state: State;
  readonly reason: string;
}

export interface HeadlineFacts {
  readonly loop: Pick<Loop, "evaluation" | "applier" | "hasLooked">;
  readonly memory: Memory;
  readonly database: Pick<DatabaseKeeper, "obstacle">;
  readonly connectionHealth: ReadonlyMap<DependencyName, ConnectionHealth>;
}

/** The first row that holds says the state; the order is that of what an operator must know first. */
export function headlineOf({ loop, memory, database, connectionHealth }: HeadlineFacts): Headline {
  const { evaluation } = loop;
  const { isApplying, lastFailure } = loop.applier;
  const { obstacle } = database;
  const rows: readonly [State, string | false | undefined][] = [
    ["starting", evaluation === undefined && "waiting for the first answers of Consul"],
    ["applying", isApplying && "a change is being applied"],
    ["held", evaluation?.kv.hold !== undefined && `held by an operator: ${evaluation.kv.hold.reason}`],
    ["waiting", missingReason(evaluation)],
    [obstacle?.state === "failed" ? "failed" : "waiting", obstacle?.reason],
    ["failed", lastFailure],
    ["failed", memory.rejected?.digest === evaluation?.desired?.digest && memory.rejected?.reason],
    ["failed", evaluation?.renderError !== undefined && "the configuration cannot be rendered, see problems"],
    ["degraded", failingReason(connectionHealth)],
    ["degraded", degradedReason(evaluation)],
    ["degraded", pendingReason(evaluation)],
    ["starting", evaluation?.desired === undefined && "waiting for the pinned keys"],
    ["starting", !loop.hasLooked && "looking at files and units"],
    [
      "applying",
      evaluation?.desired?.digest !== memory.applied?.digest && "a change is waiting for its turn",
    ],
  ];
  const [state, reason] = rows.find(([, text]) => text) ?? [];
  return state && reason
    ? { state, reason }
    : { state: "converged", reason: "everything that the sources ask for is in force" };
}

function missingReason(evaluation: Evaluation | undefined): string | false {
  const missing = evaluation?.merged.missing ?? [];
  return missing.length > 0 && `waiting for ${missing.join(", ")}`;
}

function degradedReason(evaluation: Evaluation | undefined): string | undefined {
  if (evaluation === undefined) return undefined;
  const held = heldIn(evaluation.choices, evaluation.merged).map(({ name, reason }) => `${name}: ${reason}`);
  return held.length === 0 ? undefined : `no candidate for ${held.join("; ")}; the endpoint in use stays`;
}

function failingReason(health: HeadlineFacts["connectionHealth"]): string | false {
  const failing = [...health].filter(([, { healthy }]) => !healthy);
  const texts = failing.map(([name, { reason }]) => `${name} ${reason}`);
  return texts.length > 0 && `the connection in use fails: ${texts.join("; ")}`;
}

function pendingReason(evaluation: Evaluation | undefined): string | undefined {
  const failing = (evaluation?.pending ?? []).filter(
    ({ reason, inUse }) => reason !== undefined && inUse !== undefined,
  );
  const texts = failing.map(
    ({ dependency, wanted, reason }) => `${dependency} ${wanted.host}:${wanted.port} ${reason}`,
  );
  return texts.length === 0 ? undefined : `not taken over: ${texts.join("; ")}; the connection in use stays`;
}

/** Remembers since when the state has been what it is. Whoever changes it says so at once: a reader may come late. */
export class HeadlineClock {
  #state: State = "starting";
  #since = new Date().toISOString();

  /** ISO 8601. */
  get since(): string {
    return this.#since;
  }

  see(state: State): void {
    if (state !== this.#state) this.#since = new Date().toISOString();
    this.#state = state;
  }
}
