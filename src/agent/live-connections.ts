/**
 * The connections in somebody else's `.env.production`: where Mastodon points before the agent's first apply. As far as
 * anybody knows they work, so a new connection has to be better.
 */
import { Secret } from "../base/secret.ts";
import { PROBED_NAMES, type ProbedName } from "../settings/dependencies.ts";
import { deriveEndpoint } from "../settings/derive.ts";
import { isSettingName, type SettingName, settingSpec } from "../settings/schema.ts";
import { isSecretNamed, typeNamed } from "../settings/slot.ts";
import { makeTarget, mergedOf, namesOf, type Target } from "../settings/targets.ts";
import { VARIABLES } from "../settings/variables.ts";
import type { Wish } from "../settings/wish.ts";
import { plainWishes } from "./connections.ts";
import type { Memory } from "./memory.ts";

type Known = Pick<Memory, "targets" | "endpoints">;

/** Connections that are incomplete, or made from variables that the agent does not render, are not known. */
export function connectionsIn(variables: ReadonlyMap<string, string>, file: string, now: Date): Known {
  const targets = PROBED_NAMES.flatMap((name) => targetIn(name, variables, file) ?? []);
  return {
    targets: Object.fromEntries(targets.map((target) => [target.dependency, plainWishes(target)])),
    endpoints: Object.fromEntries(targets.flatMap((target) => endpointEntry(target, file, now))),
  };
}

/** With one of these, Mastodon does not go where host and port say. */
const HIDDEN_BY: Readonly<Record<ProbedName, readonly string[]>> = {
  postgres: ["DATABASE_URL"],
  redis: ["REDIS_URL", "REDIS_SENTINELS"],
  s3: [],
};

function targetIn(
  dependency: ProbedName,
  variables: ReadonlyMap<string, string>,
  file: string,
): Target | undefined {
  if (HIDDEN_BY[dependency].some((name) => variables.get(name))) return undefined;
  const wishes = new Map<string, Wish>();
  for (const name of namesOf(dependency)) {
    const text = valueIn(name, variables) || (isSettingName(name) ? settingSpec(name).default : undefined);
    if (text === undefined && isNeeded(name)) return undefined;
    if (text === undefined) continue;
    const value = typeNamed(name).accept(text);
    if (value === undefined) return undefined;
    wishes.set(name, {
      level: "environment",
      where: file,
      value: isSecretNamed(name) ? new Secret(value) : value,
    });
  }
  return makeTarget(dependency, wishes);
}

function isNeeded(name: string): boolean {
  return isSettingName(name) && settingSpec(name).required === true;
}

function valueIn(name: string, variables: ReadonlyMap<string, string>): string | undefined {
  if (!isSettingName(name)) return variables.get(name);
  const read = S3_PARTS.get(name);
  if (read !== undefined) return read(variables.get("S3_ENDPOINT") ?? "");
  const variable = FED_BY.get(name);
  return variable === undefined ? undefined : variables.get(variable);
}

const S3_PARTS: ReadonlyMap<SettingName, (endpoint: string) => string | undefined> = new Map([
  ["BUCKETSCHEME", (endpoint: string) => URL.parse(endpoint)?.protocol.slice(0, -1)],
  ["BUCKETHOST", (endpoint: string) => URL.parse(endpoint)?.hostname],
  [
    "BUCKETPORT",
    (endpoint: string) => {
      const url = URL.parse(endpoint);
      return url?.port || (url?.protocol === "http:" ? "80" : "443");
    },
  ],
]);

const FED_BY: ReadonlyMap<SettingName, string> = new Map(
  [...VARIABLES].flatMap(([variable, { origin }]) =>
    origin.kind === "setting" ? [[origin.setting, variable] as const] : [],
  ),
);

function endpointEntry(target: Target, file: string, now: Date): [string, Memory["endpoints"][string]][] {
  const endpoint = deriveEndpoint(target.dependency, mergedOf(target));
  if (endpoint === undefined) return [];
  return [[target.dependency, { ...endpoint, level: "environment", source: file, since: now.toISOString() }]];
}
