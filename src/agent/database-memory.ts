import type { Options } from "../options.ts";
import type { Memory } from "./memory.ts";

/** The units that are Mastodon's Ruby side, and use the database as their code knows it. */
export const DATABASE_UNITS: readonly string[] = ["web", "sidekiq"];

/** Stands for a node whose units run unknown code. */
export const UNKNOWN_CODE = "unknown";

/** Known once every unit has started with the same code under the agent's eyes. */
export function runningCode({ units }: Pick<Options, "units">, { code }: Memory): string {
  const known = units.filter(({ name }) => DATABASE_UNITS.includes(name)).map(({ name }) => code[name]);
  const [first = ""] = known;
  return first !== "" && known.every((each) => each === first) ? first : UNKNOWN_CODE;
}

/** From now on these units run this code, which the other nodes do not know yet. */
export function withCode(memory: Memory, units: readonly string[], code: string): Memory {
  const { database, ...rest } = memory;
  return {
    ...rest,
    ...(database && { database: { ...database, isComplete: false } }),
    code: { ...memory.code, ...Object.fromEntries(units.map((unit) => [unit, code])) },
  };
}

/** What the units have read from the database is out of date, so they do not run with what they should. */
export function withStaleUnits(memory: Memory): Memory {
  const units = Object.entries(memory.units).map(([unit, digests]) => [
    unit,
    DATABASE_UNITS.includes(unit) ? { ...digests, reload: "" } : digests,
  ]);
  return { ...memory, units: Object.fromEntries(units) };
}
