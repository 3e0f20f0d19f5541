import type { SettingName } from "./schema.ts";
import type { ValueType } from "./types.ts";

/** The units that read variables from the rendered file. */
export const READERS = ["web", "sidekiq", "streaming"] as const;
export type Reader = (typeof READERS)[number];

/** The units that run Mastodon's Ruby. */
export const RAILS = ["web", "sidekiq"] as const satisfies readonly Reader[];

/** Where a variable's value comes from. */
export type Origin =
  /** A setting, unchanged. */
  | { readonly kind: "setting"; readonly setting: SettingName }
  /** Made from other settings or variables, see `derive.ts`. */
  | { readonly kind: "derived"; readonly from: readonly string[] }
  /** A pinned key. */
  | { readonly kind: "pinned" }
  /** What an operator puts under `mastodon/env/`. */
  | { readonly kind: "operator" }
  /** A path: only from this machine's configuration file, never from Consul. */
  | { readonly kind: "machine" }
  /** Known to Mastodon, but it would work against the agent or against Mastodon itself. */
  /** `overrides`: in the environment of a unit it takes precedence over what is rendered. */
  | { readonly kind: "barred"; readonly reason: string; readonly overrides: boolean };

/** One variable of Mastodon. Sources of the readers: Mastodon 4.6, `config/`, `lib/`, `streaming/`. */
export interface VariableSpec {
  readonly type: ValueType;
  readonly origin: Origin;
  /** Units that read it after dotenv, so that a reload is enough. */
  readonly readers: readonly Reader[];
  /** Units that read it before dotenv, from the process environment only, so that they need a real restart. */
  readonly processReaders: readonly Reader[];
  readonly secret: boolean;
  /** In the file unless something else is put. */
  readonly default?: string;
  /** How its value is written for its readers, where that is not the canonical form. */
  readonly written: (value: string) => string;
  /** First Mastodon version that knows it. */
  readonly since?: string;
  /** First Mastodon version that no longer knows it. */
  readonly removed?: string;
}

/** The columns of a row that differ from the usual. */
export type Columns = Partial<Omit<VariableSpec, "type" | "readers">>;

/** A row of the table: by default a variable that an operator may put. */
export function row(
  name: string,
  type: ValueType,
  readers: readonly Reader[],
  columns: Columns = {},
): [string, VariableSpec] {
  return [
    name,
    {
      origin: { kind: "operator" },
      processReaders: [],
      secret: false,
      written: (value) => value,
      ...columns,
      type,
      readers,
    },
  ];
}

/** Many variables of Rails with one beginning; where more than the type is unusual, the columns stand beside it. */
export function family(
  prefix: string,
  members: Readonly<Record<string, ValueType | readonly [ValueType, Columns]>>,
): [string, VariableSpec][] {
  return Object.entries(members).map(([rest, member]) =>
    "accept" in member ? row(prefix + rest, member, RAILS) : row(prefix + rest, member[0], RAILS, member[1]),
  );
}

/** Fed by a setting, unchanged. */
export function from(setting: SettingName): Columns {
  return { origin: { kind: "setting", setting } };
}

/** Made from other settings or variables, see `derive.ts`. */
export function derived(...from: readonly string[]): Columns {
  return { origin: { kind: "derived", from } };
}

/** A pinned key. */
export function pinned(): Columns {
  return { origin: { kind: "pinned" }, secret: true };
}

/** A path on this machine. */
export function ofMachine(): Columns {
  return { origin: { kind: "machine" } };
}

/** Cannot be put, and why. */
export function barred(reason: string): Columns {
  return { origin: { kind: "barred", reason, overrides: false } };
}

/** @param others the variables that it would override, and what to put instead */
export function overriding(others: string): Columns {
  return { origin: { kind: "barred", reason: `it would override ${others}`, overrides: true } };
}
