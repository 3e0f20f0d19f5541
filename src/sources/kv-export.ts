import { reveal } from "../base/secret.ts";
import { isSettingName, settingSpec } from "../settings/schema.ts";
import { isSecretNamed } from "../settings/slot.ts";
import { VARIABLES } from "../settings/variables.ts";
import type { Layer, Wish } from "../settings/wish.ts";
import type { Environment } from "./environment.ts";

/** One key as `consul kv import` takes it, its value in base64. Source of the format: Consul, `command/kv/impexp`. */
export interface ImportEntry {
  readonly key: string;
  readonly flags: 0;
  readonly value: string;
}

/** Why something in the environment is not exported. */
export type LeftOut = "join" | "secret" | "endpoint" | "pinned" | "unread";

export interface KvExport {
  readonly entries: readonly ImportEntry[];
  /** Names, by the reason they were left out. */
  readonly left: ReadonlyMap<LeftOut, readonly string[]>;
}

export interface Wanted {
  /** Below which the keys are written, without a trailing slash: the watched prefix, or a node's folder in it. */
  readonly folder: string;
  readonly withSecrets: boolean;
  /** Settings to leave to the catalogue: in KV they would override it for good, and with it every failover. */
  readonly endpoints: ReadonlySet<string>;
}

/**
 * The environment's settings, as keys. Only what was set: defaults stay defaults.
 *
 * @param process the environment as found, to name what is in it but is not a setting
 */
export function kvExport(environment: Layer, process: Environment, wanted: Wanted): KvExport {
  const entries: ImportEntry[] = [];
  const left = new Map<LeftOut, string[]>();
  const leave = (reason: LeftOut, name: string) => left.set(reason, [...(left.get(reason) ?? []), name]);
  for (const [name, wish] of wishesIn(environment)) {
    const reason = whyNot(name, wanted);
    if (reason === undefined) entries.push(entryOf(name, wish, wanted));
    else leave(reason, name);
  }
  for (const [name, { origin }] of VARIABLES) {
    if (!process[name] || environment.variables.has(name)) continue;
    if (origin.kind === "pinned") leave("pinned", name);
    if (origin.kind === "operator") leave("unread", name);
  }
  return { entries, left };
}

function wishesIn({ settings, variables }: Layer): readonly (readonly [string, Wish])[] {
  return [...settings, ...variables];
}

function whyNot(name: string, { withSecrets, endpoints }: Wanted): LeftOut | undefined {
  if (isSettingName(name) && settingSpec(name).join) return "join";
  if (endpoints.has(name)) return "endpoint";
  return isSecretNamed(name) && !withSecrets ? "secret" : undefined;
}

function entryOf(name: string, { value }: Wish, { folder }: Wanted): ImportEntry {
  const kind = isSettingName(name) ? "settings" : "env";
  return {
    key: `${folder}/${kind}/${name}`,
    flags: 0,
    value: Buffer.from(reveal(value), "utf8").toString("base64"),
  };
}
