import type { JoinState } from "../consul/join.ts";
import type { Problem } from "../report/problems.ts";
import type { State } from "../report/status.ts";
import { waitingText } from "../report/waiting.ts";
import type { DependencyName } from "../settings/dependencies.ts";
import type { Applier } from "./applier.ts";
import type { ConnectionHealth } from "./connection-watch.ts";
import { cutOffText, isCutOff } from "./cut-off.ts";
import type { DatabaseKeeper } from "./database.ts";
import { heldIn } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Loop } from "./loop.ts";
import type { Memory } from "./memory.ts";

/** The state in one word, and its reason. */
export interface Headline {
  readonly state: State;
  readonly reason: string;
  /** What is in force is what the sources ask for, as far as anybody knows. */
  readonly ready: boolean;
}

export interface HeadlineFacts {
  readonly loop: Pick<Loop, "evaluation" | "hasLooked" | "waiting"> & {
    readonly applier: Pick<Applier, "isApplying" | "isBehind" | "lastFailure">;
  };
  readonly memory: Memory;
  readonly database: Pick<DatabaseKeeper, "obstacle">;
  readonly connectionHealth: ReadonlyMap<DependencyName, ConnectionHealth>;
  readonly join: JoinState;
  /** Those whose grace time is over: anything shorter does not change the state either. */
  readonly problems: readonly Problem[];
}

/** A row that only says that less is known than could be: what was known may still be in force. */
const UNSEEN = "unseen";

/** The first row that holds gives the state; they are ordered by what an operator must know first. */
export function headlineOf(facts: HeadlineFacts): Headline {
  const { loop, memory, database, connectionHealth, join, problems } = facts;
  const { evaluation } = loop;
  const { isApplying, isBehind, lastFailure } = loop.applier;
  const { obstacle } = database;
  const rows: readonly [State, string | false | undefined, typeof UNSEEN?][] = [
    ["starting", evaluation === undefined && "waiting for Consul's first answers"],
    ["applying", isApplying && "a change is being applied"],
    ["held", evaluation?.kv.hold !== undefined && `on hold: ${evaluation.kv.hold.reason}`],
    ["waiting", missingReason(evaluation)],
    [obstacle?.state === "failed" ? "failed" : "waiting", obstacle?.reason],
    ["failed", lastFailure],
    ["failed", memory.rejected?.digest === evaluation?.desired?.digest && memory.rejected?.reason],
    ["failed", evaluation?.renderError !== undefined && "the configuration cannot be rendered, see problems"],
    ["disconnected", isBehind && !loop.hasLooked && LEFT_AS_FOUND],
    ["degraded", failingReason(connectionHealth)],
    ["degraded", degradedReason(evaluation)],
    ["degraded", pendingReason(evaluation)],
    [
      "disconnected",
      isCutOff(join, problems) && join.awaySince && cutOffText(join.awaySince, memory),
      UNSEEN,
    ],
    ["degraded", unreadReason(problems), UNSEEN],
    ["degraded", unwrittenReason(problems), UNSEEN],
    ["starting", evaluation?.desired === undefined && "waiting for the pinned keys"],
    ["starting", !loop.hasLooked && "checking files and units"],
    [
      "applying",
      evaluation?.desired?.digest !== memory.applied?.digest &&
        `a change ${waitingText(loop.waiting ?? { kind: "round" }, (iso) => `${iso.slice(11, 19)} UTC`)}`,
    ],
  ];
  const [state, reason, unseen] = rows.find(([, text]) => text) ?? [];
  if (!state || !reason)
    return { state: "converged", reason: "everything the sources ask for is in force", ready: true };
  const isInForce = loop.hasLooked && evaluation?.desired?.digest === memory.applied?.digest;
  return { state, reason, ready: unseen !== undefined && isInForce };
}

const LEFT_AS_FOUND =
  "Consul does not answer, and the files are newer than the state: they stay as they are until Consul says what belongs in them";

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
  return texts.length === 0 ? undefined : `not used: ${texts.join("; ")}; the connection in use stays`;
}

function unreadReason(problems: readonly Problem[]): string | undefined {
  const unread = problems.filter(({ code }) => code === "watch_failing").map(({ about }) => about);
  return unread.length === 0
    ? undefined
    : `cannot be read in Consul: ${unread.join(", ")}; what was last read stays in force`;
}

function unwrittenReason(problems: readonly Problem[]): string | undefined {
  const unwritten = problems.find(({ code }) => code === "state_not_written");
  return unwritten && `the state cannot be written to ${unwritten.about}; what is in force is not recorded`;
}

/**
 * Remembers since when the state has been what it is. Changes are stamped when they happen, because a reader may come
 * late.
 */
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
