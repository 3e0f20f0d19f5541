/** What comes from the sources: whether they answer, and whether what they ask for can be had. */
import { inputProblems, watchProblems } from "../../agent/problems.ts";
import { placesOf } from "../../agent/services.ts";
import { ExitCode, Refused, Unavailable } from "../../base/errors.ts";
import type { Options } from "../../options.ts";
import type { ProblemCode } from "../../report/problem-codes.ts";
import type { Look } from "../look.ts";
import { holdInspections } from "./hold.ts";
import { failureOf, type Inspection, type Told } from "./inspection.ts";

export function sourceInspections(options: Options, seen: Look): readonly Inspection[] {
  return [
    ["consul", () => consulAnswers(options, seen)],
    ["settings", () => nothingRefused(seen)],
    ["connections", () => nothingPending(options, seen)],
    ...holdInspections(seen),
  ];
}

function consulAnswers({ connection }: Options, { unanswered }: Look): string | Told {
  const [first] = unanswered;
  if (first === undefined) return `${connection.address} answers`;
  if (unanswered.some(({ kind }) => kind !== "unreachable"))
    return failureOf(watchProblems(unanswered), ExitCode.unavailable);
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
function nothingPending(options: Options, { evaluation }: Look): string | Told {
  const problems = inputProblems(evaluation, placesOf(options)).filter(({ code }) => NOT_HAD.includes(code));
  return problems.length === 0
    ? "every requested endpoint is available"
    : failureOf(problems, ExitCode.unavailable);
}

const NOT_HAD: readonly ProblemCode[] = ["probe_failed", "no_candidate"];
