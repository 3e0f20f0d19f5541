import type { ApplyContext } from "./outcome.ts";
import type { UnitDigests } from "./plan.ts";

/** A full disk does not make a healthy unit ill. The store reports that it cannot write, and retries. */
export async function rememberIfPossible(
  unit: string,
  digests: UnitDigests,
  { remember }: Pick<ApplyContext, "remember">,
): Promise<void> {
  await remember(unit, digests).catch(() => {});
}
