import { HELD } from "../agent/endpoints.ts";
import { lastGoodKv } from "../agent/last-good.ts";
import type { Memory } from "../agent/memory.ts";
import { digest } from "../base/digest.ts";
import type { Complaint } from "../base/errors.ts";
import { reveal, type Secret } from "../base/secret.ts";
import type { Merged } from "../settings/merge.ts";
import type { OwnVariables } from "../settings/own-variables.ts";
import { isSettingName, SETTING_NAMES, settingSpec } from "../settings/schema.ts";
import { isSecretNamed, rankedIn, wishIn } from "../settings/slot.ts";
import { VARIABLE_NAMES } from "../settings/variables.ts";
import type { Layer, Wish } from "../settings/wish.ts";
import { type KvSnapshot, readKv } from "../sources/kv.ts";

/** How KV and the environment relate, for one name. */
export type Relation =
  /** A key of that name was refused. */
  | "refused"
  | "kv hides environment"
  | "same"
  | "only in kv"
  | "only in environment"
  /** Needed to reach Consul. */
  | "must stay in environment"
  /** In KV when the agent last applied, in neither now. */
  | "gone";

/** One name, as each place has it. */
export interface Row {
  readonly name: string;
  readonly isSecret: boolean;
  /** What KV asks for; not a refused value. */
  readonly kv: Wish | undefined;
  readonly environment: Wish | undefined;
  /** What was last applied and verified; its value is unknown if only its digest is remembered. */
  readonly inForce: { readonly value: string | Secret | undefined } | undefined;
  readonly relation: Relation;
  readonly catalogue: "hidden" | "decides" | "silent";
  readonly refusals: readonly Complaint[];
  /** What is asked for is what was last applied. */
  readonly isApplied: boolean;
}

export interface Compared {
  readonly kv: Pick<KvSnapshot, "node" | "shared" | "refusals">;
  readonly environment: Layer;
  readonly merged: Merged;
  readonly memory: Memory;
  /** The watched prefix, without a trailing slash. */
  readonly prefix: string;
  readonly node: string;
  readonly own: OwnVariables;
}

/** One row per name in KV or the environment, in the order of the tables. Pure. */
export function kvRows(compared: Compared): readonly Row[] {
  const { kv, environment, memory, prefix, node, own } = compared;
  const before = readKv(lastGoodKv(memory), { prefix, node, own, accepted: [] });
  const refusals = Map.groupBy(
    kv.refusals.map(({ complaint }) => complaint),
    ({ where }) => nameIn(where.slice(prefix.length + 1), node),
  );
  const layers = [kv.node, kv.shared, environment, before.node, before.shared];
  const names = new Set([...layers.flatMap(namesIn), ...refusals.keys()]);
  return [...names]
    .sort((one, other) => placeOf(one) - placeOf(other))
    .map((name) => rowOf(name, compared, before, refusals.get(name) ?? []));
}

/** The last part of `settings/NAME` or `env/NAME`, else the path as it is. */
function nameIn(path: string, node: string): string {
  const own = path.startsWith(`nodes/${node}/`) ? path.slice(`nodes/${node}/`.length) : path;
  return /^(?:settings|env)\/([^/]+)$/.exec(own)?.[1] ?? path;
}

function namesIn({ settings, variables }: Layer): readonly string[] {
  return [...settings.keys(), ...variables.keys()];
}

function placeOf(name: string): number {
  const place = [...SETTING_NAMES, ...VARIABLE_NAMES].indexOf(name);
  return place === -1 ? Number.MAX_SAFE_INTEGER : place;
}

function rowOf(name: string, compared: Compared, before: KvSnapshot, refusals: readonly Complaint[]): Row {
  const ranked = rankedIn(compared.merged, name) ?? [];
  const accepted = inKv(compared.kv, name);
  const kv = refusals.some(({ where }) => where === accepted?.where) ? undefined : accepted;
  const environment = wishIn(compared.environment, name);
  const asked = accepted ?? ranked[0];
  const applied = compared.memory.since[name]?.digest;
  const offers = [accepted, environment, inKv(before, name), ...ranked].flatMap((wish) => wish?.value ?? []);
  return {
    name,
    isSecret: compared.own.get(name)?.secret ?? isSecretNamed(name),
    kv,
    environment,
    refusals,
    inForce:
      applied === undefined ? undefined : { value: offers.find((value) => digestOf(value) === applied) },
    relation: refusals.length > 0 ? "refused" : relationOf(name, kv, environment),
    catalogue: catalogueIn(ranked, accepted),
    isApplied: (asked && digestOf(asked.value)) === applied,
  };
}

function inKv({ node, shared }: Pick<KvSnapshot, "node" | "shared">, name: string): Wish | undefined {
  return wishIn(node, name) ?? wishIn(shared, name);
}

function relationOf(name: string, kv: Wish | undefined, environment: Wish | undefined): Relation {
  if (kv !== undefined && environment !== undefined)
    return reveal(kv.value) === reveal(environment.value) ? "same" : "kv hides environment";
  if (kv !== undefined) return "only in kv";
  if (environment === undefined) return "gone";
  return isSettingName(name) && settingSpec(name).join ? "must stay in environment" : "only in environment";
}

function catalogueIn(ranked: readonly Wish[], kv: Wish | undefined): Row["catalogue"] {
  if (!ranked.some(({ level, where }) => level === "catalogue" && where !== HELD)) return "silent";
  return kv === undefined ? "decides" : "hidden";
}

function digestOf(value: string | Secret): string {
  return digest(reveal(value));
}
