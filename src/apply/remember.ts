import type { ApplyContext } from "./outcome.ts";
import type { UnitDigests } from "./plan.ts";

/** A unit that is well does not become unwell by a full disk. Whoever remembers says that it cannot, and tries again. */
export async function rememberIfPossible(
  unit: string,
  digests: UnitDigests,
  { remember }: Pick<ApplyContext, "remember">,
): Promise<void> {
  await remember(unit, digests).catch(() => {});
}
