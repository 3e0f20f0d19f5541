import { digest } from "../base/digest.ts";
import { reveal } from "../base/secret.ts";
import type { DependencyName, Endpoint } from "./dependencies.ts";
import type { Merged, Ranked } from "./merge.ts";
import type { SettingName } from "./schema.ts";
import type { Wish } from "./wish.ts";

/** The settings that make one connection: they are probed together, and taken over or left together. */
export const CONNECTION_SETTINGS: Readonly<Record<DependencyName, readonly SettingName[]>> = {
  postgres: ["DBHOST", "DBPORT", "DBUSER", "DBPASS", "DBNAME"],
  redis: ["REDISHOST", "REDISPORT", "REDISPASS"],
  s3: ["BUCKETHOST", "BUCKETPORT", "BUCKETSCHEME", "BUCKETNAME", "BUCKETUSER", "BUCKETPASS", "BUCKETREGION"],
};

/** One connection with all that is needed to try it. */
export interface Target {
  readonly dependency: DependencyName;
  readonly wishes: ReadonlyMap<SettingName, Wish>;
  /** Equal for the same connection; says nothing about where its parts come from. */
  readonly key: string;
}

export function targetOf(dependency: DependencyName, merged: Merged): Target {
  const wishes = new Map<SettingName, Wish>();
  for (const name of CONNECTION_SETTINGS[dependency]) {
    const wish = merged.settings.get(name)?.[0];
    if (wish !== undefined) wishes.set(name, wish);
  }
  return makeTarget(dependency, wishes);
}

export function makeTarget(dependency: DependencyName, wishes: ReadonlyMap<SettingName, Wish>): Target {
  const values = [...wishes].map(([name, { value }]) => [name, reveal(value)]);
  return { dependency, wishes, key: digest(JSON.stringify([dependency, values])) };
}

/** The same connection to another endpoint. */
export function retarget(
  target: Target,
  endpoint: Endpoint,
  names: { host: SettingName; port: SettingName; scheme?: SettingName },
): Target {
  const wishes = new Map(target.wishes);
  const put = (name: SettingName | undefined, value: string | undefined) => {
    const wish = name && wishes.get(name);
    if (name !== undefined && value !== undefined)
      wishes.set(name, { level: "catalogue", where: "probe", ...wish, value });
  };
  put(names.host, endpoint.host);
  put(names.port, String(endpoint.port));
  put(names.scheme, endpoint.scheme);
  return makeTarget(target.dependency, inTableOrder(target.dependency, wishes));
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

function inTableOrder(
  dependency: DependencyName,
  wishes: ReadonlyMap<SettingName, Wish>,
): ReadonlyMap<SettingName, Wish> {
  return new Map(
    CONNECTION_SETTINGS[dependency].flatMap((name): [SettingName, Wish][] => {
      const wish = wishes.get(name);
      return wish === undefined ? [] : [[name, wish]];
    }),
  );
}
