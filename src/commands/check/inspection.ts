/** One check and its findings. The topics beside this file are lists of these. */
import {
  type Complaint,
  codeOf,
  ExitCode,
  isAgentError,
  messageOf,
  sentence,
  Unavailable,
} from "../../base/errors.ts";
import type { Complaining } from "../../report/problems.ts";

/** Returns what it found, warns, fails, or throws one of our errors for a failure. */
export type Inspection = readonly [title: string, inspect: () => Promise<Found> | Found];

export type Found = string | Warning | Told;

/** Not as it should be, but nothing fails because of it. */
export interface Warning {
  readonly warning: Complaint;
}

/** What is not as it should be, in the agent's own words. */
export interface Told {
  readonly verdict: "warn" | "FAIL";
  readonly messages: readonly string[];
  readonly exitCode: ExitCode;
}

export function failureOf(problems: readonly Complaining[], exitCode: ExitCode): Told {
  return { verdict: "FAIL", messages: problems.map(({ message }) => message), exitCode };
}

export interface Finding {
  readonly title: string;
  readonly verdict: "ok" | "warn" | "FAIL";
  /** More than one if more than one thing is wrong. With its cure, unless all is well. */
  readonly messages: readonly string[];
  readonly exitCode: ExitCode;
}

/** Runs all of them at the same time; the findings are in their order. */
export function inspectAll(inspections: readonly Inspection[]): Promise<readonly Finding[]> {
  return Promise.all(inspections.map(inspectOne));
}

async function inspectOne([title, inspect]: Inspection): Promise<Finding> {
  try {
    const found = await inspect();
    if (typeof found === "string") return { title, verdict: "ok", messages: [found], exitCode: ExitCode.ok };
    if ("warning" in found)
      return { title, verdict: "warn", messages: [sentence(found.warning)], exitCode: ExitCode.ok };
    return { title, ...found };
  } catch (error) {
    const { message, exitCode } = explained(error);
    return { title, verdict: "FAIL", messages: message.split("\n"), exitCode };
  }
}

/** The doctor goes on if the system does not let it look. @throws whatever is a bug */
export function explained(error: unknown): Error & { readonly exitCode: ExitCode } {
  if (isAgentError(error)) return error;
  if (codeOf(error) === undefined) throw error;
  const cure = "Run the check as the agent's user or as root.";
  return new Unavailable({ where: "system", what: messageOf(error), cure }, { cause: error });
}
