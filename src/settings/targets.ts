import { digest } from "../base/digest.ts";
import { reveal } from "../base/secret.ts";
import { DEPENDENCIES, type Endpoint, type ProbedName } from "./dependencies.ts";
import type { Merged, Ranked } from "./merge.ts";
import type { SettingName } from "./schema.ts";
import type { Wish } from "./wish.ts";

/** The settings that make one connection: they are probed together, and taken over or left together. */
export const CONNECTION_SETTINGS: Readonly<Record<ProbedName, readonly SettingName[]>> = {
  postgres: ["DBHOST", "DBPORT", "DBUSER", "DBPASS", "DBNAME"],
  redis: ["REDISHOST", "REDISPORT", "REDISPASS"],
  s3: ["BUCKETHOST", "BUCKETPORT", "BUCKETSCHEME", "BUCKETNAME", "BUCKETUSER", "BUCKETPASS", "BUCKETREGION"],
};

/** One connection with all that is needed to try it. */
export interface Target {
  readonly dependency: ProbedName;
  readonly wishes: ReadonlyMap<SettingName, Wish>;
  /** Equal for the same connection; says nothing about where its parts come from. */
  readonly key: string;
}

export function targetOf(dependency: ProbedName, merged: Merged): Target {
  const wishes = new Map<SettingName, Wish>();
  for (const name of CONNECTION_SETTINGS[dependency]) {
    const wish = merged.settings.get(name)?.[0];
    if (wish !== undefined) wishes.set(name, wish);
  }
  return makeTarget(dependency, wishes);
}

export function makeTarget(dependency: ProbedName, wishes: ReadonlyMap<SettingName, Wish>): Target {
  const values = [...wishes].map(([name, { value }]) => [name, reveal(value)]);
  return { dependency, wishes, key: digest(JSON.stringify([dependency, values])) };
}

/** The same connection to another endpoint. */
export function retarget({ dependency, wishes }: Target, { host, port, scheme }: Endpoint): Target {
  const row = DEPENDENCIES[dependency];
  const elsewhere = new Map([
    [row.host, host],
    [row.port, String(port)],
    [row.scheme, scheme],
  ]);
  const moved = CONNECTION_SETTINGS[dependency].flatMap((name): [SettingName, Wish][] => {
    const wish = wishes.get(name);
    const value = elsewhere.get(name) ?? wish?.value;
    return value === undefined ? [] : [[name, { level: "catalogue", where: "probe", ...wish, value }]];
  });
  return makeTarget(dependency, new Map(moved));
}

/** The credentials of one connection at the endpoint of another. */
export function movedTo({ dependency, wishes }: Target, elsewhere: Target): Target {
  const { host, port, scheme } = DEPENDENCIES[dependency];
  const moved = CONNECTION_SETTINGS[dependency].flatMap((name): [SettingName, Wish][] => {
    const wish = ([host, port, scheme].includes(name) ? elsewhere.wishes : wishes).get(name);
    return wish === undefined ? [] : [[name, wish]];
  });
  return makeTarget(dependency, new Map(moved));
}

/** Takes a connection back to what it was: the wishes in force, with those that were not taken over behind them. */
export function withTarget(merged: Merged, { dependency, wishes }: Target): Merged {
  const settings = new Map(merged.settings);
  for (const name of CONNECTION_SETTINGS[dependency]) {
    const inForce = wishes.get(name);
    const ranked: Ranked | undefined = inForce && [inForce, ...(merged.settings.get(name) ?? [])];
    if (ranked === undefined) settings.delete(name);
    else settings.set(name, ranked);
  }
  return { ...merged, settings };
}
