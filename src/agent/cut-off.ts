import type { JoinState } from "../consul/join.ts";
import type { Complaining, Problem } from "../report/problems.ts";
import type { Memory } from "./memory.ts";

/** What an operator must know first while Consul cannot be asked: since when, and what Mastodon runs with. */
export function cutOffText(awaySince: string, { applied }: Pick<Memory, "applied">): string {
  const goesOn =
    applied === undefined
      ? "nothing was ever applied here"
      : `Mastodon keeps running with the last known good of ${applied.at}`;
  return `Consul has not answered since ${awaySince}; ${goesOn}`;
}

/** The problems with joining, each with the same sentence. */
export function joinProblems(
  { awaySince, problems }: Pick<JoinState, "awaySince" | "problems">,
  memory: Pick<Memory, "applied">,
): readonly Complaining[] {
  if (awaySince === undefined) return problems;
  return problems.map((problem) => ({
    ...problem,
    message: `${problem.message} ${cutOffText(awaySince, memory)}.`,
  }));
}

/** Consul cannot be asked, and that has lasted long enough to be a problem. */
export function isCutOff({ awaySince, problems }: JoinState, told: readonly Problem[]): boolean {
  return (
    awaySince !== undefined && told.some(({ code }) => problems.some((problem) => problem.code === code))
  );
}
