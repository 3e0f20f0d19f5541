/** The last word of a file's own program before the file is used. */
import { Refused } from "../base/errors.ts";
import { runCommand } from "./command.ts";
import type { StagedFile } from "./stage.ts";
import type { StepContext } from "./steps.ts";

const CHECK_TIMEOUT_MS = 30_000;

/** @throws Refused with the end of what the checker printed */
export async function check(
  { spec, temporary }: Pick<StagedFile, "spec" | "temporary">,
  { redact }: Pick<StepContext, "redact">,
): Promise<void> {
  if (spec.check === undefined) return;
  const argv = spec.check.map((item) => item.replaceAll("{file}", () => temporary));
  const { ok, ended, tail } = await runCommand(argv, CHECK_TIMEOUT_MS);
  if (ok) return;
  throw new Refused({
    where: spec.path,
    what: `its check rejects the new content, so the old file stays: ${argv.join(" ")}: ${ended}${redact(tail === "" ? "" : `, ${tail}`)}`,
    cure: "Correct the setting or the template that the message points to.",
  });
}
