import type { CertificateState } from "../certificates/keeper.ts";
import type { JoinState } from "../consul/join.ts";
import type { WatchHealth } from "../consul/watch.ts";
import type { Change } from "../report/change.ts";
import type { Problem } from "../report/problems.ts";
import {
  type CandidateStatus,
  type CertificateStatus,
  type EndpointStatus,
  NOT_CHECKED,
  type ProbeStatus,
  type SettingStatus,
  type Status,
  type UnitStatus,
  type WatchStatus,
} from "../report/status.ts";
import { worstCheck } from "../settings/choose.ts";
import { DEPENDENCY_NAMES, type DependencyName, PROBED_NAMES } from "../settings/dependencies.ts";
import { type Instance, shownCheck } from "../settings/instance.ts";
import type { Leader } from "../settings/leader.ts";
import { asRegistered } from "../settings/overlay.ts";
import { endpointOf } from "../settings/targets.ts";
import type { ConnectionHealth } from "./connection-watch.ts";
import type { DatabaseKeeper } from "./database.ts";
import { endpointOrigin } from "./endpoint-origin.ts";
import { whyNotFor } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import { explanations, probeWait } from "./explanation.ts";
import type { Finding } from "./finding.ts";
import { type HeadlineClock, headlineOf } from "./headline.ts";
import type { History } from "./history.ts";
import type { Loop } from "./loop.ts";
import type { Memory } from "./memory.ts";
import { causeOf } from "./record.ts";
import type { TurnWait } from "./turn.ts";
import type { UnitHealth } from "./unit-watch.ts";

/** Everything that the status is made of. */
export interface Facets {
  readonly version: string;
  readonly node: string;
  readonly nowMs: number;
  readonly join: JoinState;
  readonly startedAt: string;
  readonly loop: Pick<Loop, "evaluation" | "keys" | "applier" | "hasLooked" | "redact" | "waiting">;
  readonly history: Pick<History, "last" | "lastActions">;
  readonly clock: Pick<HeadlineClock, "since">;
  readonly unitHealth: ReadonlyMap<string, UnitHealth>;
  readonly connectionHealth: ReadonlyMap<DependencyName, ConnectionHealth>;
  readonly certificates: readonly CertificateState[];
  readonly certificatesTurn: TurnWait | undefined;
  readonly database: Pick<DatabaseKeeper, "status" | "obstacle">;
  readonly findings: readonly Finding[];
  readonly memory: Memory;
  readonly leader: Leader;
  readonly watches: readonly WatchHealth[];
  readonly problems: readonly Problem[];
}

export function statusOf(facets: Facets): Status {
  const { loop, memory, join } = facets;
  const { evaluation, keys } = loop;
  const headline = headlineOf(facets);
  const { waiting } = loop;
  const settings = evaluation === undefined ? [] : [...explanations({ evaluation, memory, waiting })];
  return {
    version: facets.version,
    node: facets.node,
    ...headline,
    since: facets.clock.since,
    started_at: facets.startedAt,
    ...holdStatus(evaluation, memory),
    consul: { connected: join.connected, joined: join.joined, members: join.members },
    endpoints: Object.fromEntries(
      shownDependencies(evaluation, memory).map((name) => [name, endpointStatus(name, facets)]),
    ),
    desired: evaluation?.desired?.digest ?? null,
    applied: memory.applied?.digest ?? null,
    keys: Object.fromEntries(keys?.values.fingerprints ?? []),
    certificates: facets.certificates.map(certificateStatus),
    certificates_turn: facets.certificatesTurn ?? null,
    migration: facets.database.status,
    missing: [...(evaluation?.merged.missing ?? [])],
    settings,
    files: fileStatus(evaluation),
    units: Object.fromEntries(unitStatus(facets)),
    probes: facets.findings.map(probeStatus),
    watches: facets.watches.map((watch) => watchStatus(watch, facets.nowMs)),
    problems: [...facets.problems],
    last_change: lastChange(facets.history.last),
    next_change: nextChange(facets, settings),
  };
}

function holdStatus(
  evaluation: Evaluation | undefined,
  memory: Memory,
): Pick<Status, "hold" | "hold_keys" | "hold_since"> {
  const hold = evaluation?.kv.hold;
  if (hold === undefined) return { hold: null, hold_keys: [], hold_since: null };
  return { hold: hold.reason, hold_keys: [...hold.keys], hold_since: memory.hold?.since ?? null };
}

/** Those that Mastodon needs, and the others as far as they are watched or known. */
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
  { loop, memory, leader, connectionHealth }: Pick<Facets, "loop" | "memory" | "leader" | "connectionHealth">,
): EndpointStatus {
  const inUse = memory.endpoints[name];
  const found = loop.evaluation?.instances.get(name);
  // Before anything is truncated: part of a secret would not be recognised.
  const instances = (found ?? []).map((instance) => redacted(instance, (text) => loop.redact(text)));
  return {
    host: inUse?.host ?? null,
    port: inUse?.port ?? null,
    source: inUse === undefined ? null : `${inUse.level}: ${inUse.source}`,
    from: endpointOrigin(name, memory),
    since: inUse?.since ?? null,
    check: checkStatus(connectionHealth.get(name)),
    catalogue: catalogueOf(name, loop.evaluation),
    candidates: instances.map((instance) => candidateStatus(name, instance, instances, leader)),
  };
}

function checkStatus(health: ConnectionHealth | undefined): EndpointStatus["check"] {
  if (health === undefined) return NOT_CHECKED;
  const { healthy, reason, since, checkedAt } = health;
  return { healthy, reason, since, checked_at: checkedAt };
}

function catalogueOf(name: DependencyName, evaluation: Evaluation | undefined): EndpointStatus["catalogue"] {
  if (evaluation === undefined) return "unanswered";
  if (!evaluation.instances.has(name)) return "unwatched";
  return evaluation.instances.get(name) === undefined ? "unanswered" : "answered";
}

function candidateStatus(
  name: DependencyName,
  instance: Instance,
  all: readonly Instance[],
  leader: Leader,
): CandidateStatus {
  const { id, node } = instance;
  const { host, port } = asRegistered(instance);
  const reason = whyNotFor(name, instance, all, leader);
  const checks = instance.failing.map(shownCheck);
  const state = reason ?? worstCheck(instance) ?? "passing";
  return { id, node, host, port, eligible: reason === undefined, reason: state, checks };
}

function redacted(instance: Instance, redact: (text: string) => string): Instance {
  const { failing } = instance;
  return { ...instance, failing: failing.map((check) => ({ ...check, output: redact(check.output) })) };
}

function unitStatus({ loop, memory, unitHealth, history }: Facets): readonly [string, UnitStatus][] {
  const wanted = [...(loop.evaluation?.desired?.units ?? [])];
  return wanted.map(([name, { reload, restart }]) => {
    const has = memory.units[name];
    const { healthy = null, reason = "", since = null } = unitHealth.get(name) ?? {};
    const current = has?.reload === reload && has.restart === restart;
    return [name, { current, healthy, reason, since, last_action: history.lastActions.get(name) ?? null }];
  });
}

function fileStatus(evaluation: Evaluation | undefined): Status["files"] {
  const files = evaluation?.desired?.files ?? [];
  return files.map(({ spec, readBy = [] }) => ({ path: spec.path, units: [...readBy] }));
}

function certificateStatus({ domain, found, isOurs, nextAttemptMs }: CertificateState): CertificateStatus {
  const certificate = found.kind === "none" ? undefined : found.certificate;
  return {
    domain,
    not_after: certificate === undefined ? null : new Date(certificate.notAfterMs).toISOString(),
    issuer: certificate?.issuer ?? null,
    is_ours: isOurs,
    next_attempt_at: nextAttemptMs === undefined ? null : new Date(nextAttemptMs).toISOString(),
  };
}

function probeStatus({ target, verdict }: Finding): ProbeStatus {
  const { host, port } = endpointOf(target);
  return {
    dependency: target.dependency,
    host,
    port,
    ok: verdict.kind === "writable",
    reason: verdict.kind === "writable" ? "Mastodon can work with it" : verdict.reason,
  };
}

function lastChange(change: Change | undefined): Status["last_change"] {
  if (change === undefined) return null;
  const { at, cause, units, duration_ms, outcome } = change;
  return { at, cause, units, duration_ms, outcome };
}

/** A hold is always shown, even if there is nothing to hold. */
function nextChange({ loop, memory }: Facets, settings: readonly SettingStatus[]): Status["next_change"] {
  const { evaluation, waiting = evaluation?.pending.map(probeWait)[0] } = loop;
  if (evaluation === undefined || waiting === undefined) return null;
  const isOther = evaluation.desired?.digest !== memory.applied?.digest;
  const isDue = isOther || settings.some((setting) => setting.waiting !== null);
  if (waiting.kind === "hold" && !isDue) return null;
  return { cause: causeOf(memory, { ...evaluation, merged: evaluation.asked }), waiting };
}

function watchStatus({ name, index, lastAnswerAt, problem }: WatchHealth, nowMs: number): WatchStatus {
  return {
    name,
    index,
    age_seconds: lastAnswerAt === undefined ? null : Math.round((nowMs - lastAnswerAt) / 1000),
    last_answer_at: lastAnswerAt === undefined ? null : new Date(lastAnswerAt).toISOString(),
    problem: problem ?? null,
  };
}
