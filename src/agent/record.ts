import { digest } from "../base/digest.ts";
import { reveal } from "../base/secret.ts";
import {
  DEPENDENCIES,
  DEPENDENCY_NAMES,
  type DependencyName,
  sameEndpoint,
} from "../settings/dependencies.ts";
import { deriveEndpoint } from "../settings/derive.ts";
import type { Merged, Ranked } from "../settings/merge.ts";
import { rankedIn } from "../settings/slot.ts";
import { targetsIn } from "./connections.ts";
import { HELD } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";

/** For how many endpoints the time at which they were left is kept. */
const LEFT_LIMIT = 32;
const NAMES_IN_CAUSE = 5;

/** The memory after an evaluation was applied and verified: it becomes the last known good. */
export function remember(memory: Memory, evaluation: Evaluation, now: Date): Memory {
  const { merged, kv, reloadToken } = evaluation;
  const digestNow = evaluation.desired?.digest ?? "";
  const isNew = memory.applied?.digest !== digestNow;
  const { rejected: _, intent: __, ...kept } = memory;
  const endpoints = endpointsIn(memory, merged, now);
  return {
    ...kept,
    endpoints,
    targets: targetsIn(merged),
    sentinels: String(merged.variables.get("REDIS_SENTINELS")?.[0].value ?? ""),
    ...(isNew && {
      applied: { digest: digestNow, at: now.toISOString(), cause: causeOf(memory, evaluation) },
    }),
    left: [...memory.left, ...leftBehind(memory, endpoints, now)].slice(-LEFT_LIMIT),
    kv: [...kv.accepted],
    reload: reloadToken,
    since: sinceTimes(memory, merged, now),
  };
}

/** Why something is applied: the names whose values changed and where the new ones come from. */
export function causeOf(memory: Memory, { merged, reloadToken }: Evaluation): string {
  if (memory.applied === undefined) return "first apply";
  const values = namedValues(merged);
  const changed = [...values].filter(
    ([name, [wish]]) => memory.since[name]?.digest !== digest(reveal(wish.value)),
  );
  const gone = Object.keys(memory.since).filter((name) => !values.has(name));
  const parts = [
    ...changed.map(
      ([name, [wish]]) =>
        `${name} from ${wish.where}${wish.index === undefined ? "" : ` (index ${wish.index})`}`,
    ),
    ...gone.map((name) => `${name} is gone`),
    ...(reloadToken === memory.reload ? [] : ["control/reload"]),
  ];
  if (parts.length === 0) return "files or units differ from what was applied";
  const more = parts.length - NAMES_IN_CAUSE;
  return parts.slice(0, NAMES_IN_CAUSE).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function namedValues(merged: Merged): ReadonlyMap<string, Ranked> {
  return new Map<string, Ranked>([...merged.settings, ...merged.variables]);
}

function sinceTimes(memory: Memory, merged: Merged, now: Date): Memory["since"] {
  const entries = [...namedValues(merged)].map(([name, [wish]]) => {
    const fresh = { digest: digest(reveal(wish.value)), at: now.toISOString() };
    const known = memory.since[name];
    return [name, known?.digest === fresh.digest ? known : fresh] as const;
  });
  return Object.fromEntries(entries);
}

function endpointsIn(memory: Memory, merged: Merged, now: Date): Memory["endpoints"] {
  const entries = DEPENDENCY_NAMES.flatMap((name) => {
    const endpoint = deriveEndpoint(name, merged);
    const wish = rankedIn(merged, DEPENDENCIES[name].host)?.[0];
    if (endpoint === undefined || wish === undefined) return [];
    const known = memory.endpoints[name];
    const isSame = known !== undefined && sameEndpoint(known, endpoint);
    const isHeld = isSame && wish.where === HELD;
    return [
      [
        name,
        {
          ...endpoint,
          level: wish.level,
          source: isHeld ? known.source : wish.where,
          since: isSame ? known.since : now.toISOString(),
        },
      ],
    ];
  });
  return Object.fromEntries(entries);
}

function leftBehind(memory: Memory, endpoints: Memory["endpoints"], now: Date): Memory["left"] {
  return DEPENDENCY_NAMES.flatMap((dependency: DependencyName) => {
    const before = memory.endpoints[dependency];
    const after = endpoints[dependency];
    if (before === undefined || after === undefined || sameEndpoint(before, after)) return [];
    return [{ dependency, host: before.host, port: before.port, atMs: now.getTime() }];
  });
}
