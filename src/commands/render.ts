import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createTwoFilesPatch } from "diff";
import { secretsIn } from "../agent/secrets.ts";
import { placeOf } from "../apply/place.ts";
import type { Desired, DesiredFile } from "../apply/plan.ts";
import {
  type Complaint,
  ExitCode,
  Misconfigured,
  messageOf,
  Refused,
  sentence,
  TryAgain,
} from "../base/errors.ts";
import { redactor } from "../base/secret.ts";
import type { Options } from "../options.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { type Look, look } from "./look.ts";
import { mask, secretLines } from "./mask.ts";
import { during } from "./screen/during.ts";

/**
 * Renders every file as it would be applied now. What is printed has its secrets masked; what is written with
 * `--out` is complete, 0600, in a directory that only its owner may enter.
 */
export async function render(
  { diff, out, ...flags }: CommonFlags & { diff?: boolean; out?: string },
  io: Io,
): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  const seen = await during("Asking Consul", io, () => look(options));
  for (const complaint of seen.evaluation.refusals) io.err(`refused: ${sentence(complaint)}`);
  if (seen.consulError !== undefined)
    io.err(`Consul was not asked (${seen.consulError}): the last known good settings stand in.`);
  const { files } = desiredOf(seen, options);
  if (out !== undefined) await writeInto(out, files, io);
  const redact = redactor(secretsIn(seen.evaluation.merged, seen.keys));
  if (diff) for (const file of files) await printDiff(file, redact, io);
  if (out === undefined && !diff) for (const file of files) printFile(file, redact, io);
  return seen.evaluation.refusals.length > 0 ? ExitCode.refusedInput : ExitCode.ok;
}

/** @throws TryAgain naming what is missing, Refused when a value or a template stands in the way */
export function desiredOf({ evaluation, keysError }: Look, options: Options): Desired {
  const { desired, renderError, merged } = evaluation;
  if (desired !== undefined) return desired;
  if (renderError !== undefined) throw new Refused(renderError);
  if (merged.missing.length > 0) throw new TryAgain(missing(merged.missing, options));
  throw (
    keysError ?? new TryAgain({ where: "keys", what: "not there yet", cure: "Run mastodon-agent keys init." })
  );
}

function missing(names: readonly string[], { config, environmentFiles }: Options): Complaint {
  const place = environmentFiles.join(" or ") || "the environment";
  const cure = `Put each with consul kv put ${config.watch.prefix}/settings/NAME VALUE, or set it in ${place}.`;
  return { where: names.join(", "), what: "no source knows them", cure };
}

type Redact = (text: string) => string;

function printFile({ spec, content }: DesiredFile, redact: Redact, io: Io): void {
  io.out(`# ${spec.path}`);
  io.out(mask(content, redact).trimEnd());
}

async function printDiff({ spec, content }: DesiredFile, redact: Redact, io: Io): Promise<void> {
  const { there } = await placeOf(spec);
  if (there?.content === content) {
    io.out(`${spec.path}: ${there.asSpecified ? "no difference" : "same content, other mode or owner"}`);
    return;
  }
  const before = there?.content ?? "";
  const name = there === undefined ? "/dev/null" : spec.path;
  io.out(createTwoFilesPatch(name, spec.path, mask(before, redact), mask(content, redact)).trimEnd());
  for (const secret of changedSecrets(before, content)) io.out(`${spec.path}: the secret ${secret} changes`);
}

function changedSecrets(before: string, after: string): string[] {
  const [was, is] = [secretLines(before), secretLines(after)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name));
}

async function writeInto(directory: string, files: readonly DesiredFile[], io: Io): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const { spec, content } of files) {
      const file = path.join(directory, path.basename(spec.path));
      await writeFile(file, content, { mode: 0o600, flag: "wx" });
      io.out(file);
    }
  } catch (error) {
    const cure = "Name an empty or a new directory that you may write to.";
    throw new Misconfigured({ where: `--out ${directory}`, what: messageOf(error), cure }, { cause: error });
  }
}
