import { Secret } from "../base/secret.ts";
import type { OwnVariables } from "../settings/own-variables.ts";
import { placeholderReason } from "../settings/placeholders.ts";
import type { SettingName } from "../settings/schema.ts";
import { strayIn } from "../settings/stray.ts";
import type { ValueType } from "../settings/types.ts";
import type { Layer, Refusal, Wish } from "../settings/wish.ts";
import { type Reason, type Scope, type Slot, slotOf } from "./kv-slot.ts";

/** A key below the watched prefix, as in Consul. */
export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly modifyIndex: number;
}

/** A value that was accepted: it stays in force while a newer one under its key is refused. */
export interface AcceptedEntry {
  readonly key: string;
  readonly value: string;
  readonly modifyIndex: number;
}

export interface KvSnapshot {
  readonly node: Layer;
  readonly shared: Layer;
  /** An operator wants the agent to watch without applying. The node's own hold takes precedence over the site's. */
  readonly hold: Hold | undefined;
  readonly reload: ReloadTokens;
  readonly refusals: readonly Refusal[];
  readonly accepted: readonly AcceptedEntry[];
}

export interface Hold {
  /** The one whose reason counts. */
  readonly key: string;
  /** Deleting all of them ends the hold. */
  readonly keys: readonly string[];
  /** Consul's, the highest of these keys. */
  readonly modifyIndex: number;
  /** What the operator has put there. */
  readonly reason: string;
}

/** The values of `control/reload`, by scope: a new token asks for one reload of all units, an absent one for nothing. */
export type ReloadTokens = Readonly<Partial<Record<Scope, string>>>;

export interface KvReader {
  /** The watched prefix, without a trailing slash. */
  readonly prefix: string;
  readonly node: string;
  /** Variables that only this Mastodon knows. */
  readonly own: OwnVariables;
  readonly accepted: readonly AcceptedEntry[];
}

/** Turns the keys below the prefix into wishes. A value that is not acceptable is refused on its own. */
export function readKv(entries: readonly KvEntry[], { prefix, node, own, accepted }: KvReader): KvSnapshot {
  const draft = new Draft();
  const previous = new Map(accepted.map((entry) => [entry.key, entry]));
  for (const entry of entries) {
    const slot = slotOf(entry.key.slice(prefix.length + 1), { node, own });
    draft.take(slot, entry, previous.get(entry.key));
  }
  return draft;
}

/** The snapshot while it is being assembled. */
class Draft implements KvSnapshot {
  readonly node = emptyLayer();
  readonly shared = emptyLayer();
  readonly refusals: Refusal[] = [];
  readonly accepted: AcceptedEntry[] = [];
  readonly reload: Partial<Record<Scope, string>> = {};
  readonly #holds = new Map<Scope, Omit<Hold, "keys"> | undefined>();

  get hold(): Hold | undefined {
    const holds = [this.#holds.get("node"), this.#holds.get("shared")].filter((hold) => hold !== undefined);
    const [first] = holds;
    if (first === undefined) return undefined;
    const modifyIndex = Math.max(...holds.map((hold) => hold.modifyIndex));
    return { ...first, keys: holds.map(({ key }) => key), modifyIndex };
  }

  take(slot: Slot, entry: KvEntry, previous: AcceptedEntry | undefined): void {
    if (slot.kind === "refused") this.#refuse(entry, slot.reason, false);
    else if (slot.kind === "folder") this.#takeFolder(entry);
    else if (slot.kind === "control") this.#takeControl(slot, entry);
    else if (slot.kind !== "ignored") this.#takeValue(slot, entry, previous);
  }

  /** Consul's own page makes folders, which are empty. */
  #takeFolder(entry: KvEntry): void {
    if (entry.value.length === 0) return;
    const meant = entry.key.replace(/\/+$/, "");
    const cure = `Put it as ${meant}, without a slash at the end, and delete ${entry.key}.`;
    this.#refuse(entry, { what: "the key ends with a slash, so it is a folder", cure }, false);
  }

  #takeControl({ scope, name }: Extract<Slot, { kind: "control" }>, entry: KvEntry): void {
    if (name === "hold") this.#holds.set(scope, holdIn(entry));
    else this.reload[scope] = tokenOf(entry);
  }

  #takeValue(
    slot: Extract<Slot, { kind: "setting" | "variable" }>,
    entry: KvEntry,
    previous: AcceptedEntry | undefined,
  ): void {
    const read = readValue(slot.type, entry.value);
    if (typeof read !== "string") this.#refuse(entry, read, previous !== undefined);
    const value = typeof read === "string" ? read : previous?.value;
    if (value === undefined) return;
    const { modifyIndex } = typeof read === "string" || previous === undefined ? entry : previous;
    const { key } = entry;
    const wish: Wish = {
      level: slot.scope,
      value: slot.isSecret ? new Secret(value) : value,
      where: key,
      index: modifyIndex,
    };
    if (slot.kind === "setting") this[slot.scope].settings.set(slot.name, wish);
    else this[slot.scope].variables.set(slot.name, wish);
    this.accepted.push({ key, value, modifyIndex });
  }

  #refuse({ key }: KvEntry, { what, cure }: Reason, isKept: boolean): void {
    const fate = isKept ? "; the previous good value stays in force" : "; the value is not used";
    const [name = ""] = /[^/]*(?=\/*$)/.exec(key) ?? [];
    this.refusals.push({ name, complaint: { where: key, what: `${what}${fate}`, cure } });
  }
}

function emptyLayer(): { settings: Map<SettingName, Wish>; variables: Map<string, Wish> } {
  return { settings: new Map(), variables: new Map() };
}

/** The canonical text of a value, or why it is refused. The value itself never becomes part of the reason. */
function readValue(type: ValueType, value: Uint8Array): string | Reason {
  const text = decode(value);
  const example = `Example: ${type.example}`;
  if (text === undefined)
    return { what: "the value is not valid UTF-8", cure: `Put ${type.expected}. ${example}` };
  if (text === "" && type.accept(text) === undefined)
    return { what: "the value is empty", cure: `To unset it, delete the key. ${example}` };
  const placeholder = placeholderReason(text);
  if (placeholder !== undefined) return placeholder;
  const stray = strayIn(text);
  return (
    type.accept(text) ?? {
      what: `the value is not acceptable: expected ${type.expected}${stray ? ` (the value ${stray})` : ""}`,
      cure: stray ? `${PUT_AS_IS} ${example}` : example,
    }
  );
}

const PUT_AS_IS = "Put it without: printf %s VALUE | consul kv put KEY -";

/** Anyone who puts something there wants the agent to stop, even if it cannot be read. */
function holdIn({ key, value, modifyIndex }: KvEntry): Omit<Hold, "keys"> | undefined {
  const reason = decode(value)?.trim() ?? `the value of ${key} cannot be read, it is not valid UTF-8`;
  return ["", "0", "false"].includes(reason.toLowerCase()) ? undefined : { key, reason, modifyIndex };
}

/** Other bytes are always another token. */
function tokenOf({ value }: KvEntry): string {
  return decode(value) ?? `bytes ${Buffer.from(value).toString("hex")}`;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(value: Uint8Array): string | undefined {
  try {
    return UTF_8.decode(value);
  } catch {
    return undefined;
  }
}
