import { expect, test } from "vitest";
import { merge, type Offers } from "../../src/settings/merge.ts";
import { withoutOverriddenSentinels } from "../../src/settings/sentinels.ts";
import { type Layer, type Level, NO_WISHES } from "../../src/settings/wish.ts";

const BOTH = ["REDIS_SENTINELS", "REDIS_SENTINEL_MASTER"];
const NOTHING = {
  node: NO_WISHES,
  shared: NO_WISHES,
  environment: NO_WISHES,
  machine: NO_WISHES,
  live: NO_WISHES,
};
const CATALOGUE = variables("catalogue", ...BOTH);

const table: readonly [string, Partial<Offers>, readonly string[]][] = [
  ["a host for every node", { shared: host("shared") }, []],
  ["a host for one node", { node: host("node") }, []],
  ["no host", {}, BOTH],
  ["a host that the jail was born with", { environment: host("environment") }, BOTH],
  ["a host beside sentinels of the operator's", { shared: ofOperator("REDIS_SENTINELS") }, BOTH],
  [
    "a host next to a master's name only",
    { shared: ofOperator("REDIS_SENTINEL_MASTER") },
    ["REDIS_SENTINEL_MASTER"],
  ],
];

test.each(table)("with %s, Mastodon is given the sentinels it may use", (_, offers, left) => {
  const merged = withoutOverriddenSentinels(merge({ ...NOTHING, catalogue: CATALOGUE, ...offers }));
  const names = [...merged.variables.keys()].filter((name) => name.includes("SENTINEL"));
  expect(names.sort()).toEqual(left);
});

test("sentinels of the file that was there before stay only while no source has a host", () => {
  const live = variables("live file", ...BOTH);
  const left = (offers: Partial<Offers>) => {
    const merged = withoutOverriddenSentinels(merge({ ...NOTHING, catalogue: NO_WISHES, live, ...offers }));
    return BOTH.filter((name) => merged.variables.has(name));
  };
  expect(left({})).toEqual(BOTH);
  expect(left({ environment: host("environment") })).toEqual([]);
});

function host(level: Level): Layer {
  return { ...NO_WISHES, settings: new Map([["REDISHOST", { level, value: "10.0.0.9", where: level }]]) };
}

function ofOperator(name: string): Layer {
  return { ...host("shared"), variables: variables("shared", name).variables };
}

function variables(level: Level, ...names: readonly string[]): Layer {
  return {
    ...NO_WISHES,
    variables: new Map(names.map((name) => [name, { level, value: "10.0.0.1:26379", where: level }])),
  };
}
