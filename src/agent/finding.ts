import type { ProbeResult } from "../probe/result.ts";
import type { Target } from "../settings/targets.ts";

/** What a probe last found. */
export interface Finding {
  readonly target: Target;
  readonly verdict: ProbeResult;
}
