import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { secretsIn } from "../agent/secrets.ts";
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
import type { Language } from "../render/language.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { type Look, look, standIns } from "./look.ts";
import { differenceLines, differenceOf, fileInJson, fileLines } from "./render-view.ts";
import { during } from "./screen/during.ts";
import { type Paint, paintFor } from "./screen/paint.ts";

export type RenderFlags = CommonFlags & {
  readonly diff?: boolean;
  readonly out?: string;
  readonly json?: boolean;
};

/**
 * Renders every file as it would be applied now. Printed output has its secrets masked; what `--out` writes is
 * complete, 0600, in a directory that only its owner may enter.
 */
export async function render(flags: RenderFlags, io: Io): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  const seen = await during("Asking Consul", io, () => look(options));
  const { merged } = seen.evaluation;
  const refusals = seen.evaluation.refusals.map(({ complaint }) => complaint);
  for (const complaint of refusals) io.err(`refused: ${sentence(complaint)}`);
  for (const line of standIns(seen)) io.err(line);
  const { files } = desiredOf(seen, options);
  const languages = new Map(options.files.map(({ spec, template }) => [spec.path, template.language]));
  const languageOf = (path: string) => languages.get(path) ?? "plain";
  const written = flags.out === undefined ? undefined : await writeInto(flags.out, files);
  const shown = {
    files,
    languageOf,
    written,
    refused: refusals,
    redact: redactor(secretsIn(merged, seen.keys)),
  };
  if (flags.json) io.out(JSON.stringify(await inJson(shown, flags), null, 2));
  else for await (const line of linesOf(shown, flags, paintFor(io))) io.out(line);
  return refusals.length > 0 ? ExitCode.refusedInput : ExitCode.ok;
}

interface Shown {
  readonly files: readonly DesiredFile[];
  readonly languageOf: (path: string) => Language;
  /** Where `--out` wrote them. */
  readonly written: readonly string[] | undefined;
  readonly refused: readonly Complaint[];
  readonly redact: (text: string) => string;
}

async function* linesOf({ files, languageOf, written, redact }: Shown, { diff }: RenderFlags, paint: Paint) {
  yield* written ?? [];
  for (const file of files) {
    if (diff)
      yield* differenceLines(
        file.spec.path,
        await differenceOf(file, languageOf(file.spec.path), redact),
        paint,
      );
    else if (written === undefined) yield* fileLines(file, redact);
  }
}

async function inJson(
  { files, languageOf, written, refused, redact }: Shown,
  { diff }: RenderFlags,
): Promise<object> {
  const differences = diff
    ? await Promise.all(files.map((file) => differenceOf(file, languageOf(file.spec.path), redact)))
    : [];
  return {
    files: files.map((file, at) => fileInJson(file, redact, differences[at])),
    written: written ?? [],
    refused,
  };
}

/** @throws TryAgain naming what is missing, Refused if a value or a template prevents it */
export function desiredOf({ evaluation, keysError }: Look, options: Options): Desired {
  const { desired, renderError, merged } = evaluation;
  if (desired !== undefined) return desired;
  if (renderError !== undefined) throw new Refused(renderError);
  if (merged.missing.length > 0) throw new TryAgain(missing(merged.missing, options));
  throw keysError ?? new TryAgain({ where: "keys", what: "missing", cure: "Run mastodon-agent keys init." });
}

function missing(names: readonly string[], { config, environmentFiles }: Options): Complaint {
  const place = environmentFiles.join(" or ") || "the environment";
  const cure = `Put each with consul kv put ${config.watch.prefix}/settings/NAME VALUE, or set it in ${place}.`;
  return { where: names.join(", "), what: "no source knows them", cure };
}

/** @returns where they are now */
async function writeInto(directory: string, files: readonly DesiredFile[]): Promise<readonly string[]> {
  const written: string[] = [];
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const { spec, content } of files) {
      const file = path.join(directory, path.basename(spec.path));
      await writeFile(file, content, { mode: 0o600, flag: "wx" });
      written.push(file);
    }
    return written;
  } catch (error) {
    const cure = "Name an empty or a new directory that you may write to.";
    throw new Misconfigured({ where: `--out ${directory}`, what: messageOf(error), cure }, { cause: error });
  }
}
