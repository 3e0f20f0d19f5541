import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { refuseKeys, refusePlaces, refuseTemplates } from "../agent/refuse-early.ts";
import { secretsIn } from "../agent/secrets.ts";
import { check as checkFile } from "../apply/check.ts";
import type { DesiredFile } from "../apply/plan.ts";
import { ExitCode, isAgentError, messageOf, Refused, Unavailable } from "../base/errors.ts";
import { redactor } from "../base/secret.ts";
import type { Options } from "../options.ts";
import { probeInspections } from "./check-probes.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { type Look, look } from "./look.ts";
import { desiredOf } from "./render.ts";

/** One thing that is looked at; it says what it found, or throws what is wrong. */
type Inspection = readonly [title: string, inspect: () => Promise<string> | string];

/** Looks at everything without changing anything, one line each. The exit code is that of the first thing wrong. */
export async function check(
  { probe, ...flags }: CommonFlags & { probe?: boolean },
  io: Io,
): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  io.out(line("ok", "configuration", "environment, configuration file and templates are well-formed"));
  const local = await inspectAll(localInspections(options), io);
  if (local !== ExitCode.ok) return local;
  const seen = await look(options);
  const probes = probe ? probeInspections(seen.evaluation.merged) : [];
  return inspectAll([...inspections(options, seen), ...probes], io);
}

function localInspections(options: Options): readonly Inspection[] {
  return [
    ["templates", () => done(refuseTemplates(options), "every name in them is known")],
    ["permissions", () => done(refusePlaces(options), "every file can be written with its owner and mode")],
    ["keys", () => done(refuseKeys(options), options.config.paths.keys)],
  ];
}

function inspections(options: Options, seen: Look): readonly Inspection[] {
  return [
    ["consul", () => consulAnswers(options, seen)],
    ["settings", () => nothingRefused(seen)],
    ["files", async () => `${desiredOf(seen).files.length} rendered`],
    ...(seen.evaluation.desired?.files ?? []).map(
      (file): Inspection => [file.spec.path, () => accepted(file, seen)],
    ),
  ];
}

async function inspectAll(all: readonly Inspection[], io: Io): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok;
  for (const [title, inspect] of all) {
    try {
      io.out(line("ok", title, await inspect()));
    } catch (error) {
      if (!isAgentError(error)) throw error;
      for (const text of messageOf(error).split("\n")) io.out(line("FAIL", title, text));
      if (code === ExitCode.ok) code = error.exitCode;
    }
  }
  return code;
}

function line(verdict: string, title: string, text: string): string {
  return `${verdict.padEnd(5)} ${title}: ${text}`;
}

async function done(inspection: void | Promise<void>, text: string): Promise<string> {
  await inspection;
  return text;
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
