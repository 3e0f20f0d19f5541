import type { JoinState } from "../consul/join.ts";
import type { WatchHealth } from "../consul/watch.ts";
import type { Problem } from "../report/problems.ts";
import type { CandidateStatus, EndpointStatus, State, Status, WatchStatus } from "../report/status.ts";
import { whyNot } from "../settings/choose.ts";
import { DEPENDENCY_NAMES, type DependencyName, PROBED_NAMES } from "../settings/dependencies.ts";
import type { Instance } from "../settings/instance.ts";
import { type Leader, NO_LEADER } from "../settings/leader.ts";
import { heldIn } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Loop } from "./loop.ts";
import type { Memory } from "./memory.ts";

/** Everything that the status is made of. */
export interface Facets {
  readonly version: string;
  readonly node: string;
  readonly nowMs: number;
  readonly join: JoinState;
  readonly loop: Pick<Loop, "evaluation" | "keys" | "applier">;
  readonly memory: Memory;
  readonly leader: Leader;
  readonly watches: readonly WatchHealth[];
  readonly problems: readonly Problem[];
}

export function statusOf(facets: Facets): Status {
  const { loop, memory, join } = facets;
  const { evaluation, keys, applier } = loop;
  return {
    version: facets.version,
    node: facets.node,
    ...stateOf(facets),
    consul: { connected: join.connected, joined: join.joined, members: join.members },
    endpoints: Object.fromEntries(
      shownDependencies(evaluation, memory).map((name) => [
        name,
        endpointStatus(name, evaluation, memory, facets.leader),
      ]),
    ),
    desired: evaluation?.desired?.digest ?? null,
    applied: memory.applied?.digest ?? null,
    keys: Object.fromEntries(keys?.values.fingerprints ?? []),
    missing: [...(evaluation?.merged.missing ?? [])],
    units: unitStatus(evaluation, memory),
    watches: facets.watches.map((watch) => watchStatus(watch, facets.nowMs)),
    problems: [...facets.problems],
    last_change: applier.lastChange ?? null,
  };
}

/** The first row that holds says the state; the order is that of what an operator must know first. */
function stateOf({ loop, memory }: Facets): { state: State; reason: string } {
  const { evaluation } = loop;
  const { isApplying, lastFailure } = loop.applier;
  const rows: readonly [State, string | false | undefined][] = [
    ["starting", evaluation === undefined && "waiting for the first answers of Consul"],
    ["applying", isApplying && "a change is being applied"],
    ["held", evaluation?.kv.hold !== undefined && `held by an operator: ${evaluation.kv.hold}`],
    ["waiting", missingReason(evaluation)],
    ["failed", lastFailure],
    ["failed", memory.rejected?.digest === evaluation?.desired?.digest && memory.rejected?.reason],
    ["failed", evaluation?.renderError !== undefined && "the configuration cannot be rendered, see problems"],
    ["degraded", degradedReason(evaluation)],
    ["degraded", pendingReason(evaluation)],
    ["starting", evaluation?.desired === undefined && "waiting for the pinned keys"],
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

function pendingReason(evaluation: Evaluation | undefined): string | undefined {
  const failing = (evaluation?.pending ?? []).filter(
    ({ reason, inUse }) => reason !== undefined && inUse !== undefined,
  );
  const texts = failing.map(
    ({ dependency, wanted, reason }) => `${dependency} ${wanted.host}:${wanted.port} ${reason}`,
  );
  return texts.length === 0 ? undefined : `not taken over: ${texts.join("; ")}; the connection in use stays`;
}

/** Those that Mastodon cannot do without, and the others as far as they are watched or known. */
function shownDependencies(evaluation: Evaluation | undefined, memory: Memory): readonly DependencyName[] {
  return DEPENDENCY_NAMES.filter(
    (name) =>
      PROBED_NAMES.some((known) => known === name) ||
      evaluation?.instances.has(name) ||
      name in memory.endpoints,
  );
}

function endpointStatus(
  name: DependencyName,
  evaluation: Evaluation | undefined,
  memory: Memory,
  leader: Leader,
): EndpointStatus {
  const inUse = memory.endpoints[name];
  const instances = evaluation?.instances.get(name) ?? [];
  return {
    host: inUse?.host ?? null,
    port: inUse?.port ?? null,
    source: inUse === undefined ? null : `${inUse.level}: ${inUse.source}`,
    since: inUse?.since ?? null,
    candidates: instances.map((instance) =>
      candidateStatus(instance, instances, name === "postgres" ? leader : NO_LEADER),
    ),
  };
}

function candidateStatus(instance: Instance, all: readonly Instance[], leader: Leader): CandidateStatus {
  const { id, node, host, port } = instance;
  const reason = whyNot(instance, all, leader);
  return { id, node, host, port, eligible: reason === undefined, reason: reason ?? "passing" };
}

function unitStatus(evaluation: Evaluation | undefined, memory: Memory): Status["units"] {
  const wanted = [...(evaluation?.desired?.units ?? [])];
  return Object.fromEntries(
    wanted.map(([name, { reload, restart }]) => {
      const has = memory.units[name];
      return [name, { current: has?.reload === reload && has.restart === restart }];
    }),
  );
}

function watchStatus({ name, index, lastAnswerAt, problem }: WatchHealth, nowMs: number): WatchStatus {
  const ageSeconds = lastAnswerAt === undefined ? null : Math.round((nowMs - lastAnswerAt) / 1000);
  return { name, index, age_seconds: ageSeconds, problem: problem ?? null };
}
