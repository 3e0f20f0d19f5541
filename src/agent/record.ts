import { isDeepStrictEqual } from "node:util";
import { addressOf } from "../base/address.ts";
import { digest } from "../base/digest.ts";
import { reveal } from "../base/secret.ts";
import type { EndpointChange, ValueChange } from "../report/change.ts";
import { stillCarried } from "../settings/carried.ts";
import {
  DEPENDENCIES,
  DEPENDENCY_NAMES,
  type DependencyName,
  sameEndpoint,
} from "../settings/dependencies.ts";
import { deriveEndpoint } from "../settings/derive.ts";
import type { Merged } from "../settings/merge.ts";
import { namedValues, rankedIn } from "../settings/slot.ts";
import { targetsIn } from "./connections.ts";
import { HELD, offeredBy } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { filesIn } from "./newer-files.ts";

/** For how many endpoints the time when they were left is kept. */
const LEFT_LIMIT = 32;
const NAMES_IN_CAUSE = 5;

/** The memory after an evaluation was applied and verified: it becomes the last known good. */
export function remember(memory: Memory, evaluation: Evaluation, now: Date): Memory {
  const { asked, merged, kv, reload } = evaluation;
  const digestNow = evaluation.desired?.digest ?? "";
  const isNew = memory.applied?.digest !== digestNow;
  const { rejected: _, intent: __, ...kept } = memory;
  const endpoints = endpointsIn(memory, evaluation, now);
  return {
    ...kept,
    carried: stillCarried(memory.carried, asked),
    files: filesIn(evaluation.desired?.files ?? []),
    endpoints,
    targets: targetsIn(merged),
    sentinels: sentinelsIn(merged),
    ...(isNew && {
      applied: { digest: digestNow, at: now.toISOString(), cause: causeOf(memory, evaluation) },
    }),
    left: [...memory.left, ...leftBehind(memory, endpoints, now)].slice(-LEFT_LIMIT),
    kv: [...kv.accepted],
    certificates: evaluation.certificates,
    reload,
    since: sinceTimes(memory, merged, now),
  };
}

/** Why something is applied: the names whose values changed, and where the new ones come from. */
export function causeOf(memory: Memory, { merged, certificates, reload }: Evaluation): string {
  if (memory.applied === undefined) return "first apply";
  const parts = [
    ...valueChanges(memory, merged).map(({ name, source, index }) =>
      source === null
        ? `${name} is gone`
        : `${name} from ${source}${index === null ? "" : ` (index ${index})`}`,
    ),
    ...Object.keys(certificates)
      .filter((domain) => certificates[domain] !== memory.certificates[domain])
      .map((domain) => `another certificate for ${domain}`),
    ...(isDeepStrictEqual(reload, memory.reload) ? [] : ["control/reload"]),
  ];
  if (parts.length === 0) return "files or units differ from what was applied";
  const more = parts.length - NAMES_IN_CAUSE;
  return parts.slice(0, NAMES_IN_CAUSE).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** The values that differ from those in force; for a secret only that it differs. */
export function valueChanges(memory: Memory, merged: Merged): ValueChange[] {
  const values = namedValues(merged);
  const changed = [...values].flatMap(([name, [wish]]): ValueChange[] => {
    const known = memory.since[name];
    if (known?.digest === digest(reveal(wish.value))) return [];
    const { where: source, index = null } = wish;
    return [{ name, before: known?.shown ?? null, after: String(wish.value), source, index }];
  });
  const gone = Object.entries(memory.since)
    .filter(([name]) => !values.has(name))
    .map(([name, { shown = null }]) => ({ name, before: shown, after: null, source: null, index: null }));
  return [...changed, ...gone];
}

/** The dependencies that have moved. */
export function endpointChanges(memory: Memory, merged: Merged): EndpointChange[] {
  return DEPENDENCY_NAMES.flatMap((dependency) => {
    const before = memory.endpoints[dependency];
    const after = deriveEndpoint(dependency, merged);
    if (after === undefined || (before !== undefined && sameEndpoint(before, after))) return [];
    return [{ dependency, before: before === undefined ? null : addressOf(before), after: addressOf(after) }];
  });
}

function sinceTimes(memory: Memory, merged: Merged, now: Date): Memory["since"] {
  const entries = [...namedValues(merged)].map(([name, [wish]]) => {
    const { value, ...from } = wish;
    const fresh = { digest: digest(reveal(value)), at: now.toISOString(), shown: String(value), from };
    const known = memory.since[name];
    if (known?.digest !== fresh.digest) return [name, fresh] as const;
    // What stays for lack of a candidate keeps its origin.
    const isHeld = from.where === HELD && known.from !== undefined;
    return [name, { ...fresh, at: known.at, ...(isHeld && { from: known.from }) }] as const;
  });
  return Object.fromEntries(entries);
}

/** Only the catalogue's: a list put by an operator must not outlive its deletion. */
function sentinelsIn({ variables }: Merged): string {
  const offered = variables.get("REDIS_SENTINELS")?.find(({ level }) => level === "catalogue");
  return offered === undefined ? "" : reveal(offered.value);
}

function endpointsIn(memory: Memory, { merged, choices }: Evaluation, now: Date): Memory["endpoints"] {
  const entries = DEPENDENCY_NAMES.flatMap((name) => {
    const endpoint = deriveEndpoint(name, merged);
    const wish = rankedIn(merged, DEPENDENCIES[name].host)?.[0];
    if (endpoint === undefined || wish === undefined) return [];
    const known = memory.endpoints[name];
    const isSame = known !== undefined && sameEndpoint(known, endpoint);
    const isHeld = isSame && wish.where === HELD;
    const offered = offeredBy(choices.get(name));
    const isOffered = offered !== undefined && sameEndpoint(offered, endpoint);
    const { registered } = (isOffered ? offered : isSame ? known : undefined) ?? {};
    return [
      [
        name,
        {
          ...endpoint,
          ...(registered && { registered }),
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
