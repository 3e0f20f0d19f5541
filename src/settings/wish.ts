import type { Complaint } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { SettingName } from "./schema.ts";

/** Where wishes come from, strongest first. */
export const LEVELS = ["node", "shared", "catalogue", "environment", "live file", "default"] as const;
export type Level = (typeof LEVELS)[number];

/** An operator has put it in KV. */
export function isPut(level: string | undefined): boolean {
  return level === "node" || level === "shared";
}

/** One value that one source asks for, already validated, with its provenance. */
export interface Wish {
  readonly level: Level;
  readonly value: string | Secret;
  /** The KV key, the service ID, the environment variable, or `default`. */
  readonly where: string;
  /** The Consul modify index it was read at. */
  readonly index?: number;
}

/** What one source asks for. */
export interface Layer {
  readonly settings: ReadonlyMap<SettingName, Wish>;
  /** Mastodon variables that no setting feeds. */
  readonly variables: ReadonlyMap<string, Wish>;
}

/** A refused value from a source; the complaint's `where` is its key or variable. */
export interface Refusal {
  /** The setting or variable that it would have been; what it was called if it is not known. */
  readonly name: string;
  readonly complaint: Complaint;
}

export const NO_WISHES: Layer = { settings: new Map(), variables: new Map() };
