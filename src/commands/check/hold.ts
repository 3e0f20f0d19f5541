/** Whether an operator holds changes: everything else may be well, and yet nothing is followed. */
import { releaseCommand } from "../../report/hold.ts";
import type { Look } from "../look.ts";
import type { Inspection } from "./inspection.ts";

export function holdInspections({ evaluation, memory }: Look): readonly Inspection[] {
  const { hold } = evaluation.kv;
  if (hold === undefined) return [];
  const since = memory.hold === undefined ? "" : ` since ${memory.hold.since}`;
  return [
    [
      "hold",
      () => ({
        warning: {
          where: hold.key,
          what: `an operator has held all changes${since} (${JSON.stringify(hold.reason)})`,
          cure: `To end the hold: \`${releaseCommand(hold.keys)}\`.`,
        },
      }),
    ],
  ];
}
