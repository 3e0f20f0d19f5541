import type { Offered } from "./overlay.ts";

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
  /** Every check of the service and of its node is passing. */
  readonly passing: boolean;
  /** Why it can be nobody's endpoint. It is no candidate, but a role tag that it carries counts. */
  readonly fault?: string;
  readonly modifyIndex: number;
}
