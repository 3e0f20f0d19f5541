/** What comes of one look at the sources: settings and files. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { secretsIn } from "../../agent/secrets.ts";
import { check as checkFile } from "../../apply/check.ts";
import type { DesiredFile } from "../../apply/plan.ts";
import { Refused, Unavailable } from "../../base/errors.ts";
import { redactor } from "../../base/secret.ts";
import type { Options } from "../../options.ts";
import type { Look } from "../look.ts";
import { desiredOf } from "../render.ts";
import type { Inspection } from "./inspection.ts";

export function renderedInspections(options: Options, seen: Look): readonly Inspection[] {
  return [
    ["consul", () => consulAnswers(options, seen)],
    ["settings", () => nothingRefused(seen)],
    ["files", () => `${desiredOf(seen, options).files.length} rendered`],
    ...(seen.evaluation.desired?.files ?? []).map(
      (file): Inspection => [file.spec.path, () => accepted(file, seen)],
    ),
  ];
}

function consulAnswers({ connection }: Options, { consulError }: Look): string {
  if (consulError === undefined) return `${connection.address} answers`;
  throw new Unavailable({
    where: connection.address,
    what: consulError,
    cure: "Is the Consul client running and joined?",
  });
}

function nothingRefused({ evaluation }: Look): string {
  const [first, ...others] = evaluation.refusals;
  if (first !== undefined) throw new Refused(first, { others });
  return `${evaluation.merged.settings.size} known, none refused`;
}

/** The file's own checker on a copy that only its owner may read, away from the file in use. */
async function accepted({ spec, content }: DesiredFile, { evaluation, keys }: Look): Promise<string> {
  if (spec.check === undefined) return "rendered";
  const folder = await mkdtemp(path.join(tmpdir(), "mastodon-agent-check-"));
  try {
    const temporary = path.join(folder, path.basename(spec.path));
    await writeFile(temporary, content, { mode: 0o600 });
    await checkFile({ spec, temporary }, { redact: redactor(secretsIn(evaluation.merged, keys)) });
    return `accepted by ${spec.check[0]}`;
  } finally {
    await rm(folder, { recursive: true });
  }
}
