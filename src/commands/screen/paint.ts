/** Colours for a person at a terminal; plain text for everyone else. */
import pc from "picocolors";
import type { Io } from "../io.ts";

export type Paint = ReturnType<typeof pc.createColors>;

/** Honours `NO_COLOR` (no-color.org: any value but an empty one) and terminals that know no colours. */
export function paintFor({ isTerminal, environment }: Pick<Io, "isTerminal" | "environment">): Paint {
  return pc.createColors(isTerminal && !environment["NO_COLOR"] && environment["TERM"] !== "dumb");
}
