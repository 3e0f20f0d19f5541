import { messageOf } from "../base/errors.ts";
import type { ApplyContext } from "./outcome.ts";
import type { UnitDigests } from "./plan.ts";

/** A unit that is well does not become unwell by a full disk: at worst it is reloaded once more after a restart of the agent. */
export async function rememberIfPossible(
  unit: string,
  digests: UnitDigests,
  { remember, log }: ApplyContext,
): Promise<void> {
  try {
    await remember(unit, digests);
  } catch (error) {
    log.error({ unit, error: messageOf(error) }, "cannot remember what the unit runs with");
  }
}
