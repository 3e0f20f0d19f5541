import type { Complaint } from "../base/errors.ts";
import { didYouMean, nearest } from "../base/nearest.ts";
import { type OwnVariables, whyNotOwn } from "../settings/own-variables.ts";
import { isSettingName, SETTING_NAMES, type SettingName, settingSpec } from "../settings/schema.ts";
import { typeNamed } from "../settings/slot.ts";
import type { ValueType } from "../settings/types.ts";
import type { Origin } from "../settings/variable.ts";
import { OPERATOR_VARIABLES, VARIABLES } from "../settings/variables.ts";

/** Which nodes a key is for. */
export type Scope = "node" | "shared";

export type Reason = Omit<Complaint, "where">;

/** What one key of the watched prefix stands for. */
export type Slot =
  | {
      readonly kind: "setting";
      readonly scope: Scope;
      readonly name: SettingName;
      readonly type: ValueType;
      readonly isSecret: boolean;
    }
  | {
      readonly kind: "variable";
      readonly scope: Scope;
      readonly name: string;
      readonly type: ValueType;
      readonly isSecret: boolean;
    }
  | { readonly kind: "control"; readonly scope: Scope; readonly name: ControlName }
  | { readonly kind: "folder" }
  /** Another node's key. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly reason: Reason };

const CONTROLS = ["hold", "reload"] as const;
type ControlName = (typeof CONTROLS)[number];

/** Whose keys are read, and which names are known there beside Mastodon's. */
export interface Place {
  readonly node: string;
  readonly own: OwnVariables;
}

/** @param path the key without the watched prefix */
export function slotOf(path: string, { node, own }: Place): Slot {
  const parts = path.split("/");
  const [nodes, owner, ...rest] = parts;
  if (nodes === NODES && owner !== node && owner) return { kind: "ignored" };
  if (path === "" || path.endsWith("/")) return { kind: "folder" };
  return nodes === NODES ? slotIn("node", rest, own) : slotIn("shared", parts, own);
}

function slotIn(scope: Scope, [folder = "", name, ...rest]: readonly string[], own: OwnVariables): Slot {
  const read = FOLDERS.get(folder);
  if (read === undefined) return refused(unknownFolder(scope, folder));
  return name === undefined || rest.length > 0 ? refused(UNKNOWN_KEY) : read(scope, name, own);
}

const NODES = "nodes";
const FOLDERS: ReadonlyMap<string, (scope: Scope, name: string, own: OwnVariables) => Slot> = new Map([
  ["settings", settingSlot],
  ["env", variableSlot],
  ["control", controlSlot],
]);

function unknownFolder(scope: Scope, folder: string): Reason {
  const known = [...FOLDERS.keys(), ...(scope === "shared" ? [NODES] : [])];
  const meant = nearest(folder, known);
  return meant === undefined
    ? UNKNOWN_KEY
    : { what: `unknown folder ${folder}`, cure: `Did you mean ${meant}?` };
}

function settingSlot(scope: Scope, name: string): Slot {
  if (!isSettingName(name)) {
    return refused(
      VARIABLES.has(name)
        ? { what: `${name} is a variable, not a setting`, cure: insteadOf(name) }
        : { what: `unknown setting ${name}`, cure: didYouMean(name, SETTING_NAMES) },
    );
  }
  const { join, type, secret } = settingSpec(name);
  if (join)
    return refused({
      what: `${name} is needed to reach Consul, so it cannot come from Consul`,
      cure: "Set it in the environment.",
    });
  return { kind: "setting", scope, name, type, isSecret: secret === true };
}

function variableSlot(scope: Scope, name: string, own: OwnVariables): Slot {
  const spec = own.get(name) ?? VARIABLES.get(name);
  if (spec === undefined)
    return refused({ what: `unknown variable ${name}`, cure: insteadOfUnknown(name, own) });
  if (spec.origin.kind !== "operator")
    return refused({ what: whyBarred(name, spec.origin), cure: insteadOf(name) });
  return { kind: "variable", scope, name, type: spec.type, isSecret: spec.secret };
}

function insteadOfUnknown(name: string, own: OwnVariables): string {
  const meant = nearest(name, [...own.keys(), ...OPERATOR_VARIABLES]);
  const why = whyNotOwn(name);
  return [
    ...(meant === undefined ? [] : [`Did you mean ${meant}?`]),
    why === undefined
      ? `If your Mastodon reads it, name it in the configuration file: variables: { ${name}: { secret: false, units: [web, sidekiq] } }.`
      : `It cannot come from Consul: ${why}.`,
  ].join(" ");
}

function controlSlot(scope: Scope, name: string): Slot {
  const control = CONTROLS.find((known) => known === name);
  if (control === undefined)
    return refused({ what: `unknown control ${name}`, cure: didYouMean(name, CONTROLS) });
  return { kind: "control", scope, name: control };
}

function whyBarred(name: string, origin: Exclude<Origin, { kind: "operator" }>): string {
  switch (origin.kind) {
    case "setting":
      return `${name} is fed by the setting ${origin.setting}`;
    case "pinned":
      return `${name} is a pinned key and cannot be set from Consul`;
    case "derived":
      return `${name} is made of ${origin.from.join(", ")}`;
    case "machine":
      return `${name} is a path, and paths cannot be set from Consul`;
    case "barred":
      return `${name} cannot be set: ${origin.reason}`;
  }
}

function insteadOf(name: string): string {
  const origin = VARIABLES.get(name)?.origin;
  if (origin?.kind === "setting") return `Put settings/${origin.setting} instead.`;
  if (origin?.kind === "derived") {
    const [first = ""] = origin.from;
    return `Put ${isSettingName(first) ? "settings" : "env"}/${first} instead: expected ${typeNamed(first).expected}.`;
  }
  if (origin?.kind === "machine") return `Set it in the configuration file: variables: { ${name}: /path }`;
  return origin?.kind === "operator" ? `Put env/${name} instead.` : "Delete the key.";
}

function refused(reason: Reason): Slot {
  return { kind: "refused", reason };
}

const UNKNOWN_KEY: Reason = {
  what: "the agent does not know this key",
  cure: "It knows settings/<SETTING>, env/<VARIABLE>, control/hold and control/reload, each also below nodes/<NODENAME>/.",
};
