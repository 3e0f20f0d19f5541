/** The result of one look at the sources: settings and files. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inputProblems, watchProblems } from "../../agent/problems.ts";
import { secretsIn } from "../../agent/secrets.ts";
import { placesOf } from "../../agent/services.ts";
import { check as checkFile } from "../../apply/check.ts";
import type { DesiredFile } from "../../apply/plan.ts";
import { ExitCode, Refused, Unavailable } from "../../base/errors.ts";
import { redactor } from "../../base/secret.ts";
import type { Options } from "../../options.ts";
import type { ProblemCode } from "../../report/problem-codes.ts";
import type { Complaining } from "../../report/problems.ts";
import type { Look } from "../look.ts";
import { desiredOf } from "../render.ts";
import type { Failure, Inspection } from "./inspection.ts";

export function renderedInspections(options: Options, seen: Look): readonly Inspection[] {
  return [
    ["consul", () => consulAnswers(options, seen)],
    ["settings", () => nothingRefused(seen)],
    ["connections", () => nothingPending(options, seen)],
    ["files", () => `${desiredOf(seen, options).files.length} rendered`],
    ...(seen.evaluation.desired?.files ?? []).map(
      (file): Inspection => [file.spec.path, () => accepted(file, seen)],
    ),
  ];
}

function consulAnswers({ connection }: Options, { unanswered }: Look): string | Failure {
  const [first] = unanswered;
  if (first === undefined) return `${connection.address} answers`;
  if (unanswered.some(({ kind }) => kind !== "unreachable"))
    return failure(watchProblems(unanswered), ExitCode.unavailable);
  throw new Unavailable({
    where: connection.address,
    what: first.problem,
    cure: "Is the Consul client running and joined?",
  });
}

function nothingRefused({ evaluation }: Look): string {
  const [first, ...others] = evaluation.refusals.map(({ complaint }) => complaint);
  if (first !== undefined) throw new Refused(first, { others });
  return `${evaluation.merged.settings.size} known, none refused`;
}

/** Requests that cannot be met, so that something else stays in use. */
function nothingPending(options: Options, { evaluation }: Look): string | Failure {
  const problems = inputProblems(evaluation, placesOf(options)).filter(({ code }) => NOT_HAD.includes(code));
  return problems.length === 0
    ? "every endpoint that is asked for can be had"
    : failure(problems, ExitCode.unavailable);
}

const NOT_HAD: readonly ProblemCode[] = ["probe_failed", "no_candidate"];

function failure(problems: readonly Complaining[], exitCode: ExitCode): Failure {
  return { failures: problems.map(({ message }) => message), exitCode };
}

/** Runs the file's own checker on a copy that only its owner may read, away from the file in use. */
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
