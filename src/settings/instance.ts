import { visible } from "../base/visible.ts";
import type { Offered } from "./overlay.ts";

/** A check that is not passing, as in Consul. */
export interface FailingCheck {
  readonly name: string;
  readonly status: string;
  /** The first line of its output, unchanged. */
  readonly output: string;
}

/** One entry of the catalogue for a dependency, as far as the choice among instances needs it. */
export interface Instance extends Offered {
  /** The service ID, unique on its node. */
  readonly id: string;
  readonly node: string;
  /** The instance's `host` meta, else the service's address, else the node's. */
  readonly host: string;
  readonly port: number;
  /** The instance's `scheme` meta: `http` or `https`, for S3. */
  readonly scheme?: string;
  readonly tags: readonly string[];
  /** The checks of the service and of its node that are not passing, `critical` before `warning`; none where all pass. */
  readonly failing: readonly FailingCheck[];
  /** Why it cannot be an endpoint. It is not a candidate, but its role tag counts. */
  readonly fault?: string;
  readonly modifyIndex: number;
}

/** A warning asks for attention, no more: whatever else is not passing rules its instance out. */
export function isCritical({ status }: FailingCheck): boolean {
  return status !== "warning";
}

export function isDown({ failing }: Pick<Instance, "failing">): boolean {
  return failing.some(isCritical);
}

/** Limit for a check's own output. */
const LONGEST_SHOWN = 200;

/** Safe to show to people. */
export function shownCheck({ name, status, output }: FailingCheck): FailingCheck {
  const shown = (text: string) => visible(text, LONGEST_SHOWN);
  return { name: shown(name), status: shown(status), output: shown(output) };
}

/** Its service ID; with its node if several nodes use that ID. */
export function labelOf<One extends Pick<Instance, "id" | "node">>(one: One, all: readonly One[]): string {
  const isShared = all.some(({ id, node }) => id === one.id && node !== one.node);
  return isShared ? `${one.id} on node ${one.node}` : one.id;
}
