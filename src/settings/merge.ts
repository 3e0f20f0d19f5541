import { DEPENDENCIES, DEPENDENCY_NAMES } from "./dependencies.ts";
import { impliedMailVariables, isWithoutLogin } from "./mail.ts";
import { SETTING_NAMES, type SettingName, settingSpec } from "./schema.ts";
import { wishIn } from "./slot.ts";
import { VARIABLE_NAMES, VARIABLES } from "./variables.ts";
import type { Layer, Wish } from "./wish.ts";

/** Everything the sources ask for. */
export interface Offers {
  readonly node: Layer;
  readonly shared: Layer;
  /** Host, port and scheme of the dependencies for which the catalogue has an endpoint. */
  readonly catalogue: Layer;
  readonly environment: Layer;
  /** Paths on this machine. */
  readonly machine: Layer;
  /** What is carried over from the file that was there before the agent. */
  readonly live: Layer;
}

/** All wishes for one name, the one in force first; never empty. */
export type Ranked = readonly [Wish, ...Wish[]];

export interface Merged {
  readonly settings: ReadonlyMap<SettingName, Ranked>;
  readonly variables: ReadonlyMap<string, Ranked>;
  /** Required settings that no source knows. */
  readonly missing: readonly SettingName[];
}

/** Puts the sources on top of each other: node KV > shared KV > catalogue > environment > live file > default. */
export function merge(offers: Offers): Merged {
  const layers = [
    offers.node,
    offers.shared,
    withoutOverriddenEndpoints(offers),
    offers.environment,
    offers.machine,
    offers.live,
    DEFAULTS,
  ];
  const settings = rank(SETTING_NAMES, (name) => layers.map((layer) => layer.settings.get(name)));
  const names = new Set(layers.flatMap((layer) => [...layer.variables.keys()]));
  const offered = rank(names, (name) => layers.map((layer) => layer.variables.get(name)));
  const variables = withImplied(offered, impliedMailVariables({ settings, variables: offered }));
  return {
    settings,
    variables,
    missing: SETTING_NAMES.filter(
      (name) => settingSpec(name).required && !settings.has(name) && !isSpared(name, { settings, variables }),
    ),
  };
}

/** What follows from other values comes last. */
function withImplied(
  offered: ReadonlyMap<string, Ranked>,
  implied: ReadonlyMap<string, Wish>,
): ReadonlyMap<string, Ranked> {
  const all = new Map(offered);
  for (const [name, wish] of implied) {
    const [first, ...rest] = offered.get(name) ?? [];
    all.set(name, first === undefined ? [wish] : [first, ...rest, wish]);
  }
  return all;
}

/** With Sentinel, Mastodon asks the sentinels where Redis is; a relay without login knows no user. */
function isSpared(name: SettingName, known: Pick<Merged, "settings" | "variables">): boolean {
  switch (name) {
    case "REDISHOST":
      return known.variables.has("REDIS_SENTINELS");
    case "MAILUSER":
    case "MAILPASS":
      return isWithoutLogin("SMTP_LOGIN", known);
    default:
      return false;
  }
}

/**
 * The catalogue offers host, port and scheme together. If the operator put another host, the catalogue's port and
 * scheme do not apply: together they would make an endpoint that no source offered.
 */
function withoutOverriddenEndpoints({ node, shared, catalogue }: Offers): Layer {
  const overridden = new Set(
    DEPENDENCY_NAMES.map((name) => DEPENDENCIES[name])
      .filter(({ host }) => wishIn(node, host) !== undefined || wishIn(shared, host) !== undefined)
      .flatMap(({ port, scheme }) => [port, scheme]),
  );
  return {
    settings: new Map([...catalogue.settings].filter(([name]) => !overridden.has(name))),
    variables: new Map([...catalogue.variables].filter(([name]) => !overridden.has(name))),
  };
}

function rank<Name extends string>(
  names: Iterable<Name>,
  wishesFor: (name: Name) => readonly (Wish | undefined)[],
): Map<Name, Ranked> {
  const ranked = new Map<Name, Ranked>();
  for (const name of names) {
    const [first, ...rest] = wishesFor(name).filter((wish) => wish !== undefined);
    if (first !== undefined) ranked.set(name, [first, ...rest]);
  }
  return ranked;
}

const DEFAULTS: Layer = {
  settings: byDefault(SETTING_NAMES, (name) => settingSpec(name).default),
  variables: byDefault(VARIABLE_NAMES, (name) => VARIABLES.get(name)?.default),
};

function byDefault<Name extends string>(
  names: readonly Name[],
  defaultOf: (name: Name) => string | undefined,
): ReadonlyMap<Name, Wish> {
  return new Map(
    names.flatMap((name): [Name, Wish][] => {
      const value = defaultOf(name);
      return value === undefined ? [] : [[name, { level: "default", value, where: "default" }]];
    }),
  );
}
