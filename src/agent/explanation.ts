/**
 * What is in force, what is asked for, and why that is waiting: for every setting and variable, for the status and
 * `explain`.
 */
import { digest } from "../base/digest.ts";
import { sentence } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import type { SettingStatus } from "../report/status.ts";
import type { Waiting } from "../report/waiting.ts";
import type { OwnVariables } from "../settings/own-variables.ts";
import { isSettingName } from "../settings/schema.ts";
import { isSecretNamed, namedValues, rankedIn } from "../settings/slot.ts";
import { connectionOf } from "../settings/targets.ts";
import { readersOf as fileReadersOf, VARIABLE_NAMES, VARIABLES } from "../settings/variables.ts";
import type { Wish } from "../settings/wish.ts";
import type { Pending } from "./connections.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { probeComplaint } from "./problems.ts";

export interface Known {
  readonly evaluation: Pick<Evaluation, "asked" | "merged" | "pending" | "refusals" | "own">;
  readonly memory: Pick<Memory, "since" | "applied" | "targets">;
  /** Why nothing is applied now; undefined if only a connection is waiting. */
  readonly waiting: Waiting | undefined;
}

/** Every setting and variable that some source knows, or that is in force. A secret is `[redacted]`. */
export function explanations(known: Known): readonly SettingStatus[] {
  const { evaluation, memory } = known;
  const asked = namedValues(evaluation.asked);
  const names = new Set([...asked.keys(), ...Object.keys(memory.since)]);
  return [...names].map((name) => explanation(name, asked.get(name) ?? [], known));
}

/** What is known about a name that no source has a value for. */
export function unset(name: string, own: OwnVariables): SettingStatus {
  const feeds = VARIABLE_NAMES.filter((variable) => isFedBy(variable, name));
  const readers = new Set(
    (feeds.length > 0 ? feeds : [name]).flatMap((each) => own.get(each)?.readers ?? readersOf(each)),
  );
  return {
    name,
    feeds: [...feeds],
    readers: [...readers],
    since: null,
    in_force: null,
    waiting: null,
    refused: [],
    values: [],
  };
}

/** What a requested connection is waiting for. */
export function probeWait({ dependency, wanted, reason }: Pending): Waiting {
  const { host, port } = wanted;
  return { kind: "probe", dependency, host, port, reason: reason ?? null };
}

function explanation(name: string, ranked: readonly Wish[], known: Known): SettingStatus {
  const { evaluation, memory } = known;
  const blank = unset(name, evaluation.own);
  const inForce = inForceOf(name, memory);
  const [first] = ranked;
  const isSame = inForce?.digest === digestOf(first?.value);
  const pending = evaluation.pending.find(({ dependency }) => dependency === connectionOf(name));
  const waiting = isSame ? null : waitOf(name, pending, known);
  return {
    ...blank,
    since: inForce?.at ?? null,
    in_force: inForce === undefined ? null : shownInForce(inForce, isSame ? first : undefined),
    waiting,
    refused: [
      ...evaluation.refusals
        .filter((refusal) => [name, ...blank.feeds].includes(refusal.name))
        .map(({ complaint }) => sentence(complaint)),
      ...(pending === undefined || waiting?.kind === "probe" ? [] : probeComplaint(pending).map(sentence)),
    ],
    values: ranked.map(({ level, value, where, index = null }) => ({
      level,
      value: String(value),
      where,
      index,
    })),
  };
}

interface InForce {
  readonly digest: string;
  /** Since when, as ISO 8601 time; null if that is not known. */
  readonly at: string | null;
  /** Undefined if an older version did not record it. */
  readonly shown: string | undefined;
  readonly from: Omit<Wish, "value"> | undefined;
}

/** What the file and the units have of a setting or variable. Before the first apply it is what the live file connects to. */
export function inForceOf(name: string, { since, applied, targets }: Known["memory"]): InForce | undefined {
  const known = since[name];
  if (known !== undefined) return { shown: undefined, from: undefined, ...known };
  const dependency = connectionOf(name);
  const live = applied === undefined && dependency !== undefined ? targets[dependency]?.[name] : undefined;
  if (live === undefined) return undefined;
  const { value, ...from } = live;
  return { digest: digest(value), at: null, shown: shownValue(name, value), from };
}

/** What an older version did not record is taken from the source, if the value is the same. */
function shownInForce({ shown, from }: InForce, same: Wish | undefined): SettingStatus["in_force"] {
  const { level = null, where = null, index = null } = from ?? same ?? {};
  return { level, value: shown ?? (same === undefined ? null : String(same.value)), where, index };
}

/** While one of these holds, nothing at all is applied. */
const STOPS_ALL: readonly Waiting["kind"][] = ["start", "missing", "keys", "hold"];

function waitOf(name: string, pending: Pending | undefined, { evaluation, waiting }: Known): Waiting {
  const isAll = waiting !== undefined && STOPS_ALL.includes(waiting.kind);
  if (pending !== undefined && !isAll && isKeptOut(name, evaluation)) return probeWait(pending);
  return waiting ?? { kind: "round" };
}

/** Its connection does not use what is asked for. */
function isKeptOut(name: string, { asked, merged }: Known["evaluation"]): boolean {
  const [wanted, taken] = [asked, merged].map((all) => digestOf(rankedIn(all, name)?.[0].value));
  return wanted !== taken;
}

function digestOf(value: string | Secret | undefined): string | undefined {
  return value === undefined ? undefined : digest(reveal(value));
}

function shownValue(name: string, value: string): string {
  return String(isSecretNamed(name) ? new Secret(value) : value);
}

function isFedBy(variable: string, setting: string): boolean {
  const origin = VARIABLES.get(variable)?.origin;
  if (origin?.kind === "derived") return origin.from.some((name) => name === setting);
  return origin?.kind === "setting" && origin.setting === setting;
}

function readersOf(name: string): readonly string[] {
  if (isSettingName(name)) return [];
  return [...fileReadersOf(name), ...(VARIABLES.get(name)?.processReaders ?? [])];
}
