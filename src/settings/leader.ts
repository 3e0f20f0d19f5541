import type { Instance } from "./instance.ts";
import type { Offered } from "./overlay.ts";
import type { Refusal } from "./wish.ts";

/** What Patroni's leader key says about a scope. */
export type Leader =
  /** It is followed, but Consul has not answered yet. */
  | { readonly kind: "unasked" }
  /** There never was one: this is not Patroni, or it is not followed. */
  | { readonly kind: "unseen" }
  /** It was there and is gone: an election runs. */
  | { readonly kind: "election" }
  | LeadingMember;

export interface LeadingMember {
  readonly kind: "member";
  readonly scope: string;
  readonly name: string;
  /** From the member's `conn_url`, where it has a usable one. */
  readonly endpoint: Offered | undefined;
  /** Why its `conn_url` is not usable. */
  readonly refusal?: Refusal;
  readonly modifyIndex: number;
}

export const NO_LEADER: Leader = { kind: "unseen" };
export const LEADER_UNASKED: Leader = { kind: "unasked" };

/** A leader key that was seen and is gone means an election, even if no other Patroni key says so. */
export function nextLeader(before: Leader | undefined, now: Leader): Leader {
  const wasSeen = before !== undefined && before.kind !== "unseen";
  return now.kind === "unseen" && wasSeen ? { kind: "election" } : now;
}

/**
 * The leader as an instance. Patroni registers its members as `<scope>/<name>`; the catalogue's entry takes precedence
 * over the member's own address, because an operator may have registered a better one. Its checks and tags do not
 * count: they lag behind the key by seconds.
 */
export function leaderInstance(leader: LeadingMember, instances: readonly Instance[]): Instance | undefined {
  const { scope, name, endpoint, modifyIndex } = leader;
  const registered = instances.find(({ id }) => id === `${scope}/${name}`);
  if (registered !== undefined && registered.fault === undefined) return registered;
  return endpoint && { ...endpoint, id: `${scope}/${name}`, node: name, tags: [], failing: [], modifyIndex };
}

/** A leader's own address that was refused, unless the catalogue's entry takes precedence anyway. */
export function leaderRefusals(leader: Leader, instances: readonly Instance[]): readonly Refusal[] {
  if (leader.kind !== "member" || leader.refusal === undefined) return [];
  return leaderInstance(leader, instances) === undefined ? [leader.refusal] : [];
}
