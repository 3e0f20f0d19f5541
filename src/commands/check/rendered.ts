/** The result of one look at the sources: settings and files. */
import { inputProblems, watchProblems } from "../../agent/problems.ts";
import { secretsIn } from "../../agent/secrets.ts";
import { placesOf } from "../../agent/services.ts";
import { check as checkFile } from "../../apply/check.ts";
import { placeFile } from "../../apply/place.ts";
import type { DesiredFile } from "../../apply/plan.ts";
import { stage } from "../../apply/stage.ts";
import { ExitCode, Refused, TryAgain, Unavailable } from "../../base/errors.ts";
import { redactor } from "../../base/secret.ts";
import type { Options } from "../../options.ts";
import type { ProblemCode } from "../../report/problem-codes.ts";
import type { Complaining } from "../../report/problems.ts";
import { trialOf } from "../../state/durable.ts";
import type { Look } from "../look.ts";
import { desiredOf } from "../render.ts";
import { holdInspections } from "./hold.ts";
import type { Failure, Inspection, Warning } from "./inspection.ts";

export function renderedInspections(options: Options, seen: Look): readonly Inspection[] {
  return [
    ["consul", () => consulAnswers(options, seen)],
    ["settings", () => nothingRefused(seen)],
    ["connections", () => nothingPending(options, seen)],
    ...holdInspections(seen),
    ["keys", () => keysAreGood(options, seen)],
    ["files", () => rendered(options, seen)],
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
async function accepted(file: DesiredFile, { evaluation, keys }: Look): Promise<string> {
  const staged = await stage(await placeFile(file), trialOf);
  try {
    await checkFile(staged, { redact: redactor(secretsIn(evaluation.merged, keys)) });
  } finally {
    await staged.discard();
  }
  const { check } = file.spec;
  return check === undefined ? "rendered, and can be written" : `accepted by ${check[0]}`;
}
