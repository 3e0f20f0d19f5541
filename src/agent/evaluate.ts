import type { Desired } from "../apply/plan.ts";
import { type Complaint, isAgentError } from "../base/errors.ts";
import { lazy } from "../base/lazy.ts";
import type { Secret } from "../base/secret.ts";
import { type Observe, timedNow } from "../base/span.ts";
import type { TemplatedFile } from "../options/templates.ts";
import type { Options } from "../options.ts";
import { exportable, liveLayer, NO_LINES, notCarried } from "../settings/carried.ts";
import type { Choice } from "../settings/choose.ts";
import type { DependencyName, ProbedName } from "../settings/dependencies.ts";
import { deriveVariables, type PinnedValues } from "../settings/derive.ts";
import type { Instance } from "../settings/instance.ts";
import { type Leader, leaderRefusals } from "../settings/leader.ts";
import { type Merged, merge, type Offers } from "../settings/merge.ts";
import { type Overlay, overlayFor } from "../settings/overlay.ts";
import type { OwnVariables } from "../settings/own-variables.ts";
import { withoutOverriddenSentinels } from "../settings/sentinels.ts";
import type { Target } from "../settings/targets.ts";
import { type Layer, NO_WISHES, type Refusal, type Wish } from "../settings/wish.ts";
import { type CatalogueSnapshot, readCatalogue, readSentinels } from "../sources/catalogue.ts";
import {
  type AcceptedEntry,
  type KvEntry,
  type KvSnapshot,
  type ReloadTokens,
  readKv,
} from "../sources/kv.ts";
import { CLIENT_UNIT } from "./client-config.ts";
import { type Pending, type Verdicts, verdictsFor, verifyConnections } from "./connections.ts";
import { desire } from "./desired.ts";
import {
  type CandidateTimes,
  catalogueLayer,
  chooseAll,
  type Found,
  type Overlays,
  trackCandidates,
} from "./endpoints.ts";
import { keyStorageOf } from "./key-storage.ts";
import type { Memory } from "./memory.ts";
import { certificatesInUse, type Facts, renderInput } from "./render-input.ts";
import { sentinelWishes } from "./sentinels.ts";
import { probedDependencies } from "./services.ts";

/** What does not change between rounds. */
export interface Rules {
  readonly prefix: string;
  readonly node: string;
  readonly environment: Layer;
  /** Variables that are paths on this machine. */
  readonly machine: Layer;
  /** Variables that only this Mastodon knows. */
  readonly own: OwnVariables;
  readonly dwellMs: number;
  readonly files: readonly TemplatedFile[];
  readonly units: readonly string[];
  /** The name under which the sentinels know the master. */
  readonly sentinelMaster: string;
  /** The dependencies whose connections are probed before they are used. */
  readonly probed: readonly ProbedName[];
  /** Whether what no source has is carried over from the file that was there before, and which file that was. */
  readonly carries: boolean;
  readonly liveFile: string;
}

export function rulesOf(options: Options): Rules {
  return {
    prefix: options.config.watch.prefix,
    node: options.node,
    environment: options.environment,
    machine: options.machine,
    own: options.own,
    dwellMs: options.config.dependencies.dwell,
    files: options.files,
    sentinelMaster: options.config.dependencies.redis.sentinel.master,
    probed: probedDependencies(options),
    carries: options.config.env.unknown_lines === "carry",
    liveFile: keyStorageOf(options).liveEnvFile ?? "",
    units: options.units.map(({ name }) => name).filter((name) => name !== CLIENT_UNIT),
  };
}

/** What a round looks at. */
export interface Inputs {
  readonly kv: readonly KvEntry[];
  /** What was accepted from KV before: the previous good values. */
  readonly accepted: readonly AcceptedEntry[];
  readonly catalogue: Found;
  /** Instances of the Sentinel service; undefined while Consul has not answered yet. */
  readonly sentinels: readonly Instance[] | undefined;
  /** Of Postgres. */
  readonly leader: Leader;
  readonly verdicts: Verdicts;
  readonly memory: Memory;
  readonly candidateTimes: CandidateTimes;
  /** Undefined until they have been read. */
  readonly keys: PinnedValues | undefined;
  readonly facts: Facts;
  /** Folders of certificates, by domain. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Those of the last known good that can still be loaded. */
  readonly goodCertificates: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

/** The result of a round. */
export interface Evaluation {
  readonly kv: KvSnapshot;
  readonly instances: Found;
  readonly choices: ReadonlyMap<DependencyName, Choice>;
  readonly candidateTimes: CandidateTimes;
  /** Variables that only this Mastodon knows. */
  readonly own: OwnVariables;
  /** What the sources ask for. */
  readonly asked: Merged;
  /** What to render: every unverified connection is replaced by the one in force. */
  readonly merged: Merged;
  readonly pending: readonly Pending[];
  /** What should be probed now. */
  readonly probes: readonly Target[];
  /** Every line of `.env.production`; undefined while `desired` is. */
  readonly variables: ReadonlyMap<string, string | Secret> | undefined;
  /** Undefined while something is missing or cannot be rendered. */
  readonly desired: Desired | undefined;
  /** Refused input; the rest went on without it. */
  readonly refusals: readonly Refusal[];
  /** Why nothing can be rendered. */
  readonly renderError: Complaint | undefined;
  /** Folders of the certificates given to templates, by domain. */
  readonly certificates: Readonly<Record<string, string>>;
  /** The newest tokens of `control/reload`. */
  readonly reload: ReloadTokens;
}

/** What is in the files, and what units should run with because of them. */
type Rendered = Pick<Evaluation, "variables" | "desired" | "renderError">;
type Decided = Omit<Evaluation, keyof Rendered>;

/**
 * One look at everything: from snapshots to what should be on disk. Pure, except that `observe` hears where the time
 * went.
 */
export function evaluate(rules: Rules, inputs: Inputs, observe?: Observe): Evaluation {
  const decided = timedNow(observe, { stage: "merge" }, () => decide(rules, inputs));
  const rendered = timedNow(observe, { stage: "render" }, () => render(rules, inputs, decided));
  return { ...decided, ...rendered };
}

function decide(rules: Rules, inputs: Inputs): Decided {
  const { accepted, memory, nowMs } = inputs;
  const kv = readKv(inputs.kv, { prefix: rules.prefix, node: rules.node, own: rules.own, accepted });
  const catalogue = new Map(
    [...inputs.catalogue].map(([name, found]) => [name, found && readCatalogue(name, found)]),
  );
  const overlays: Overlays = (name) => overlayFor(name, kv);
  const instances = instancesOf(catalogue, overlays);
  const candidateTimes = trackCandidates(inputs.candidateTimes, instances, nowMs);
  const { environment, machine, carries, liveFile } = rules;
  const live = liveLayer(carries ? memory.carried : NO_LINES, liveFile);
  const layers = { node: kv.node, shared: kv.shared, environment, machine, live };
  const choices = chooseEndpoints(rules, inputs, { layers, overlays, instances, candidateTimes });
  const sentinels = readSentinels(inputs.sentinels ?? []);
  const wishes = sentinelWishes(sentinels.instances, rules.sentinelMaster, memory);
  const asked = merge({ ...layers, catalogue: offered(choices, instances, wishes) });
  const connections = verifyConnections(asked, choices, memory, inputs.verdicts, rules.probed);
  return {
    kv,
    own: rules.own,
    instances,
    choices,
    candidateTimes,
    asked: withoutOverriddenSentinels(asked),
    ...connections,
    certificates: certificatesInUse(connections.merged, inputs.certificates),
    reload: { ...memory.reload, ...kv.reload },
    refusals: [
      ...kv.refusals,
      ...refusalsIn(catalogue),
      ...leaderRefusals(inputs.leader, instances.get("postgres") ?? []),
      ...sentinels.refusals,
    ],
  };
}

interface Scene {
  readonly layers: Omit<Offers, "catalogue">;
  readonly overlays: Overlays;
  readonly instances: Found;
  readonly candidateTimes: CandidateTimes;
}

function chooseEndpoints(
  { environment, dwellMs }: Rules,
  { leader, memory, verdicts, nowMs }: Inputs,
  { layers, overlays, instances, candidateTimes }: Scene,
): ReadonlyMap<DependencyName, Choice> {
  // Only if several candidates look alike is a probe consulted, and therefore the credentials it used.
  const base = lazy(() => merge({ ...layers, catalogue: NO_WISHES }));
  return chooseAll({
    instances,
    overlays,
    leader: overlaid(leader, overlays("postgres")),
    memory,
    environment,
    candidateTimes,
    verdictsFor: (name) => verdictsFor(name, base, memory, verdicts),
    dwellMs,
    nowMs,
  });
}

/** What the catalogue asks for: the chosen endpoints, and the sentinels. */
function offered(
  choices: ReadonlyMap<DependencyName, Choice>,
  instances: Found,
  sentinels: ReadonlyMap<string, Wish>,
): Layer {
  const { settings, variables } = catalogueLayer(choices, instances);
  return { settings, variables: new Map([...variables, ...sentinels]) };
}

const NOTHING_YET: Rendered = { variables: undefined, desired: undefined, renderError: undefined };

function render(
  { files, units, own }: Rules,
  { keys, facts, certificates, memory }: Inputs,
  { merged, pending, reload }: Decided,
): Rendered {
  // The very first start waits for the first probes: they decide among several candidates, and whether what a live
  // file connects to stays.
  const isFirstProbe = pending.some(
    ({ inUse, reason }) => inUse === undefined || (memory.applied === undefined && reason === undefined),
  );
  if (isFirstProbe || merged.missing.length > 0 || keys === undefined) return NOTHING_YET;
  const renderError = notCarried(merged);
  if (renderError !== undefined) return { ...NOTHING_YET, renderError };
  const variables = deriveVariables(merged, keys);
  const present = files.filter(({ spec }) => spec.when === undefined || isKnown(merged, spec.when));
  try {
    const desired = desire({
      files: present,
      units: units.filter((unit) => !isIdle(unit, files, present)),
      variables,
      own,
      exported: exportable(variables, merged),
      reload,
      input: renderInput(merged, variables, facts, certificates, own),
    });
    return { variables, desired, renderError: undefined };
  } catch (error) {
    if (!isAgentError(error)) throw error;
    return { ...NOTHING_YET, renderError: error.complaint };
  }
}

/** Whether everything a unit reads is currently absent: then it does not matter whether it runs. */
function isIdle(unit: string, files: readonly TemplatedFile[], present: readonly TemplatedFile[]): boolean {
  const reads = ({ spec }: TemplatedFile) => spec.units?.includes(unit) === true;
  return files.some(reads) && !present.some(reads);
}

function refusalsIn(
  catalogue: ReadonlyMap<DependencyName, CatalogueSnapshot | undefined>,
): readonly Refusal[] {
  return [...catalogue.values()].flatMap((read) => read?.refusals ?? []);
}

function instancesOf(
  catalogue: ReadonlyMap<DependencyName, CatalogueSnapshot | undefined>,
  overlays: Overlays,
): Found {
  return new Map([...catalogue].map(([name, read]) => [name, read?.instances.map(overlays(name))]));
}

function overlaid(leader: Leader, overlay: Overlay): Leader {
  if (leader.kind !== "member" || leader.endpoint === undefined) return leader;
  return { ...leader, endpoint: overlay(leader.endpoint) };
}

function isKnown(merged: Merged, setting: string): boolean {
  return [...merged.settings.keys()].some((name) => name === setting);
}
