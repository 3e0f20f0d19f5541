/** A last check by Mastodon itself, with the new values: its answer decides before anything is written. */
import { Refused } from "../base/errors.ts";
import { runCommand } from "./command.ts";
import type { StepContext } from "./steps.ts";

export interface Gate {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  readonly folder: string;
  /** The variables as they would be. dotenv does not override the environment, so the file does not count. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws Refused with the end of what the command printed */
export async function passGate(gate: Gate, { redact }: Pick<StepContext, "redact">): Promise<void> {
  const { argv, timeoutMs, folder, environment } = gate;
  const { ok, ended, tail } = await runCommand(argv, timeoutMs, { folder, environment });
  if (ok) return;
  throw new Refused({
    where: `gate: ${argv.join(" ")}`,
    what: `it rejects the new values, so the old ones stay: ${ended}${redact(tail === "" ? "" : `, ${tail}`)}`,
    cure: "Correct the setting that the message points to.",
  });
}
