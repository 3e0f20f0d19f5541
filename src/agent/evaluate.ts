import type { Desired } from "../apply/plan.ts";
import { type Complaint, isAgentError } from "../base/errors.ts";
import type { TemplatedFile } from "../options/templates.ts";
import type { Choice } from "../settings/choose.ts";
import type { DependencyName } from "../settings/dependencies.ts";
import { deriveVariables, type PinnedValues } from "../settings/derive.ts";
import type { Instance } from "../settings/instance.ts";
import { type Merged, merge } from "../settings/merge.ts";
import type { Layer } from "../settings/wish.ts";
import { type CatalogueSnapshot, readCatalogue } from "../sources/catalogue.ts";
import { type KvEntry, type KvSnapshot, readKv } from "../sources/kv.ts";
import { desire } from "./desired.ts";
import { type CandidateTimes, catalogueLayer, chooseAll, trackCandidates } from "./endpoints.ts";
import type { Memory } from "./memory.ts";
import { type Facts, renderInput } from "./render-input.ts";

/** What does not change between rounds. */
export interface Rules {
  readonly prefix: string;
  readonly node: string;
  readonly environment: Layer;
  readonly dwellMs: number;
  readonly files: readonly TemplatedFile[];
  readonly units: readonly string[];
}

/** What a round looks at. */
export interface Inputs {
  readonly kv: readonly KvEntry[];
  readonly catalogue: ReadonlyMap<DependencyName, readonly Instance[]>;
  readonly memory: Memory;
  readonly candidateTimes: CandidateTimes;
  /** Undefined until they were read. */
  readonly keys: PinnedValues | undefined;
  readonly facts: Facts;
  /** Folders of certificates, by domain. */
  readonly certificates: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

/** What a round makes of it. */
export interface Evaluation {
  readonly kv: KvSnapshot;
  readonly instances: ReadonlyMap<DependencyName, readonly Instance[]>;
  readonly choices: ReadonlyMap<DependencyName, Choice>;
  readonly candidateTimes: CandidateTimes;
  readonly merged: Merged;
  /** Undefined while something is missing or cannot be rendered. */
  readonly desired: Desired | undefined;
  /** Input that was turned down; the rest went on without it. */
  readonly refusals: readonly Complaint[];
  /** Why nothing can be rendered. */
  readonly renderError: Complaint | undefined;
  /** The newest non-empty `control/reload`. */
  readonly reloadToken: string;
}

/** One look at everything: from snapshots to what should be on disk. Pure. */
export function evaluate(rules: Rules, inputs: Inputs): Evaluation {
  const { memory, nowMs } = inputs;
  const kv = readKv(inputs.kv, { prefix: rules.prefix, node: rules.node, accepted: memory.kv });
  const catalogue = new Map([...inputs.catalogue].map(([name, found]) => [name, readCatalogue(name, found)]));
  const instances = instancesOf(catalogue);
  const candidateTimes = trackCandidates(inputs.candidateTimes, instances, nowMs);
  const choices = chooseAll({
    instances,
    memory,
    environment: rules.environment,
    candidateTimes,
    dwellMs: rules.dwellMs,
    nowMs,
  });
  const merged = merge({
    node: kv.node,
    shared: kv.shared,
    catalogue: catalogueLayer(choices),
    environment: rules.environment,
  });
  const reloadToken = kv.reload || memory.reload;
  return {
    kv,
    instances,
    choices,
    candidateTimes,
    merged,
    reloadToken,
    refusals: [...kv.refusals, ...[...catalogue.values()].flatMap(({ refusals }) => refusals)].map(
      ({ complaint }) => complaint,
    ),
    ...render(rules, inputs, merged, reloadToken),
  };
}

function render(
  { files, units }: Rules,
  { keys, facts, certificates }: Inputs,
  merged: Merged,
  reloadToken: string,
): Pick<Evaluation, "desired" | "renderError"> {
  if (merged.missing.length > 0 || keys === undefined) return { desired: undefined, renderError: undefined };
  const variables = deriveVariables(merged, keys);
  const present = files.filter(({ spec }) => spec.when === undefined || isKnown(merged, spec.when));
  try {
    const desired = desire({
      files: present,
      units,
      variables,
      reloadToken,
      input: renderInput(merged, variables, facts, certificates),
    });
    return { desired, renderError: undefined };
  } catch (error) {
    if (!isAgentError(error)) throw error;
    return { desired: undefined, renderError: error.complaint };
  }
}

function instancesOf(
  catalogue: ReadonlyMap<DependencyName, CatalogueSnapshot>,
): ReadonlyMap<DependencyName, readonly Instance[]> {
  return new Map([...catalogue].map(([name, snapshot]) => [name, snapshot.instances]));
}

function isKnown(merged: Merged, setting: string): boolean {
  return [...merged.settings.keys()].some((name) => name === setting);
}
