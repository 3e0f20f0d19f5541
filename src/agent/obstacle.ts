import { sentence } from "../base/errors.ts";
import type { Waiting } from "../report/waiting.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";

export type Obstacle = Extract<Waiting, { kind: "missing" | "hold" | "unrenderable" | "rejected" }>;

/** What prevents any apply, as far as the sources and the state show. The first row that holds wins. */
export function obstacleIn(
  { merged, kv, renderError, desired }: Pick<Evaluation, "merged" | "kv" | "renderError" | "desired">,
  { rejected }: Pick<Memory, "rejected">,
): Obstacle | undefined {
  if (merged.missing.length > 0) return { kind: "missing", settings: [...merged.missing] };
  if (kv.hold !== undefined) return { kind: "hold", reason: kv.hold.reason, keys: [...kv.hold.keys] };
  if (renderError !== undefined) return { kind: "unrenderable", reason: sentence(renderError) };
  const isRejected = rejected !== undefined && rejected.digest === desired?.digest;
  return isRejected ? { kind: "rejected", reason: rejected.reason } : undefined;
}
