/** The keys and the rendered files, tried as an apply would write them. */
import { desiredClientFile } from "../../agent/client-config.ts";
import { secretsBeside, secretsIn } from "../../agent/secrets.ts";
import { check as checkFile } from "../../apply/check.ts";
import { placeFile } from "../../apply/place.ts";
import type { DesiredFile } from "../../apply/plan.ts";
import { stage } from "../../apply/stage.ts";
import { TryAgain } from "../../base/errors.ts";
import { redactor } from "../../base/secret.ts";
import type { Options } from "../../options.ts";
import { trialOf } from "../../state/durable.ts";
import type { Look } from "../look.ts";
import { desiredOf } from "../render.ts";
import { firstApplyInspections } from "./first-apply.ts";
import type { Inspection, Warning } from "./inspection.ts";

export async function fileInspections(options: Options, seen: Look): Promise<readonly Inspection[]> {
  const { evaluation, memory, keys } = seen;
  const client = await desiredClientFile(options, memory);
  const files = [...(client === undefined ? [] : [client]), ...(evaluation.desired?.files ?? [])];
  const redact = redactor([...secretsIn(evaluation.merged, keys), ...secretsBeside(options, memory)]);
  return [
    ["keys", () => keysAreGood(options, seen)],
    ["files", () => rendered(options, seen)],
    ...files.map((file): Inspection => [file.spec.path, () => accepted(file, redact)]),
    ...firstApplyInspections(options, seen),
  ];
}

function keysAreGood({ config }: Options, { keysError, missingKeys }: Look): string | Warning {
  // Where Consul is to be started by the agent, its first start waits for that, too.
  if (keysError instanceof TryAgain) return { warning: keysError.complaint };
  if (keysError !== undefined) throw keysError;
  const { keys } = config.paths;
  if (missingKeys.length === 0) return keys;
  return `${missingKeys.join(", ")}: created in ${keys} at the first start, since no key is pinned for this domain`;
}

function rendered(options: Options, seen: Look): string | Warning {
  const { keysError } = seen;
  if (keysError !== undefined && seen.evaluation.merged.missing.length === 0)
    return {
      warning: {
        where: "files",
        what: "there are no keys to render them with",
        cure: "See the line of the keys.",
      },
    };
  return `${desiredOf(seen, options).files.length} rendered`;
}

/** Staged and checked as an apply would do it, and taken away again. @throws as an apply would refuse it */
async function accepted(file: DesiredFile, redact: (text: string) => string): Promise<string> {
  const placed = await placeFile(file);
  const staged = await stage(placed, trialOf);
  try {
    await checkFile(staged, { redact });
    staged.verify();
  } finally {
    await staged.discard();
  }
  const { check } = file.spec;
  const verdict = check === undefined ? "rendered, and can be written" : `accepted by ${check[0]}`;
  const { target } = placed.place;
  return target === file.spec.path ? verdict : `${verdict}; it is a link, and ${target} is what is replaced`;
}
