import {
  type Choice,
  candidateKey,
  candidatesOf,
  choose,
  type EndpointInUse,
  type Verdict,
  whyNot,
} from "../settings/choose.ts";
import {
  DEPENDENCIES,
  DEPENDENCY_NAMES,
  type DependencyName,
  type Endpoint,
  placesOf,
} from "../settings/dependencies.ts";
import { type Instance, labelOf } from "../settings/instance.ts";
import { type Leader, NO_LEADER } from "../settings/leader.ts";
import type { Merged } from "../settings/merge.ts";
import { asRegistered, type Offered, type Overlay } from "../settings/overlay.ts";
import { isSettingName, type SettingName } from "../settings/schema.ts";
import { rankedIn, wishIn } from "../settings/slot.ts";
import { isPut, type Layer, type Wish } from "../settings/wish.ts";
import type { Memory } from "./memory.ts";

/** Since when each candidate of a dependency has been one without interruption. */
export type CandidateTimes = ReadonlyMap<DependencyName, ReadonlyMap<string, number>>;

/** How an operator's port or scheme changes the endpoints of each dependency. */
export type Overlays = (name: DependencyName) => Overlay;

/** The catalogue's instances of each watched dependency; undefined while Consul has not answered yet. */
export type Found = ReadonlyMap<DependencyName, readonly Instance[] | undefined>;

export interface Situation {
  readonly instances: Found;
  /** Of Postgres. */
  readonly leader: Leader;
  readonly overlays: Overlays;
  readonly verdictsFor: (name: DependencyName) => (endpoint: Endpoint) => Verdict;
  readonly memory: Pick<Memory, "endpoints" | "left">;
  readonly environment: Layer;
  readonly candidateTimes: CandidateTimes;
  readonly dwellMs: number;
  readonly nowMs: number;
}

/** Decides for every watched dependency. */
export function chooseAll(situation: Situation): ReadonlyMap<DependencyName, Choice> {
  const { instances, overlays, memory, environment, candidateTimes, dwellMs, nowMs } = situation;
  const choices = [...instances].map(([name, found]): [DependencyName, Choice] => {
    const choice = choose({
      instances: found && eligible(name, found),
      leader: name === "postgres" ? situation.leader : NO_LEADER,
      verdictOf: situation.verdictsFor(name),
      current: inUse(memory, name, overlays(name)),
      hasFallback: wishIn(environment, DEPENDENCIES[name].host) !== undefined,
      left: memory.left.filter(({ dependency }) => dependency === name),
      candidateSince: candidateTimes.get(name) ?? new Map(),
      dwellMs,
      nowMs,
    });
    const mayVanish = DEPENDENCIES[name].optional === true && choice.kind === "hold";
    return [name, mayVanish ? { kind: "none", reason: choice.reason } : choice];
  });
  return new Map(choices);
}

/** Only instances with the tag that the dependency asks for, if it asks for one. */
function eligible(name: DependencyName, instances: readonly Instance[]): readonly Instance[] {
  const { tag } = DEPENDENCIES[name];
  return tag === undefined ? instances : instances.filter(({ tags }) => tags.includes(tag));
}

/** Why an instance is not a candidate for a dependency, for people; undefined if it is one. */
export function whyNotFor(
  name: DependencyName,
  instance: Instance,
  all: readonly Instance[],
  leader: Leader,
): string | undefined {
  const found = eligible(name, all);
  if (!found.includes(instance)) return `it does not carry the tag ${DEPENDENCIES[name].tag}`;
  return whyNot(instance, found, name === "postgres" ? leader : NO_LEADER);
}

/** Keeps the times of those that are still candidates; new ones start now. */
export function trackCandidates(before: CandidateTimes, instances: Found, nowMs: number): CandidateTimes {
  const times = [...instances].map(([name, found]): [DependencyName, ReadonlyMap<string, number>] => {
    const since = before.get(name);
    return [
      name,
      new Map(
        candidatesOf(eligible(name, found ?? []))
          .map(candidateKey)
          .map((key) => [key, since?.get(key) ?? nowMs]),
      ),
    ];
  });
  return new Map(times);
}

/** The catalogue's endpoints as wishes: host, port and scheme of what was chosen. */
export function catalogueLayer(choices: ReadonlyMap<DependencyName, Choice>, instances: Found): Layer {
  const [settings, variables] = [new Map<SettingName, Wish>(), new Map<string, Wish>()];
  const put = (name: string, wish: Wish) =>
    isSettingName(name) ? settings.set(name, wish) : variables.set(name, wish);
  for (const name of DEPENDENCY_NAMES) {
    const choice = choices.get(name);
    const offer = choice && offerOf(choice, instances.get(name) ?? []);
    if (offer === undefined) continue;
    for (const [place, value] of placesOf(name, offer)) put(place, { ...offer.wish, value });
  }
  return { settings, variables };
}

/** Dependencies whose endpoint stays in use for lack of a candidate, and why. One put by an operator is not among them. */
export function heldIn(
  choices: ReadonlyMap<DependencyName, Choice>,
  merged: Merged,
): readonly { readonly name: DependencyName; readonly endpoint: Endpoint; readonly reason: string }[] {
  return [...choices].flatMap(([name, choice]) => {
    const isOverridden = isPut(rankedIn(merged, DEPENDENCIES[name].host)?.[0].level);
    return choice.kind === "hold" && !isOverridden ? [{ name, ...choice }] : [];
  });
}

/** The time at which a dwell ends, so that the loop looks again then. */
export function nextDwellEndMs(choices: ReadonlyMap<DependencyName, Choice>): number | undefined {
  const ends = [...choices.values()].flatMap((choice) => (choice.kind === "dwell" ? [choice.untilMs] : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function inUse(
  memory: Pick<Memory, "endpoints">,
  name: DependencyName,
  overlay: Overlay,
): EndpointInUse | undefined {
  const known = memory.endpoints[name];
  return known && overlay({ ...asRegistered(known), level: known.level });
}

/** What the catalogue offers, or what stays in use for lack of an offer. */
export function offeredBy(choice: Choice | undefined): Offered | undefined {
  switch (choice?.kind) {
    case "keep":
    case "move":
      return choice.instance;
    case "hold":
    case "unasked":
    case "dwell":
      return choice.endpoint;
    case "none":
    case undefined:
      return undefined;
  }
}

/** Provenance of an endpoint that stays in use although the catalogue has no candidate. */
export const HELD = "the endpoint in use";

interface Offer extends Endpoint {
  readonly wish: Omit<Wish, "value">;
}

function offerOf(choice: Choice, instances: readonly Instance[]): Offer | undefined {
  const offered = offeredBy(choice);
  return offered && { ...asRegistered(offered), wish: provenanceOf(choice, instances) };
}

function provenanceOf(choice: Choice, instances: readonly Instance[]): Omit<Wish, "value"> {
  if (choice.kind !== "keep" && choice.kind !== "move") return { level: "catalogue", where: HELD };
  const { instance } = choice;
  const where = `service ${labelOf(instance, instances)}`;
  return { level: "catalogue", where, index: instance.modifyIndex };
}
