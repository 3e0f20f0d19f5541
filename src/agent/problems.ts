import { type Complaint, isAgentError, messageOf, sentence } from "../base/errors.ts";
import type { WatchHealth } from "../consul/watch.ts";
import type { Complaining } from "../report/problems.ts";
import { DEPENDENCIES, DEPENDENCY_NAMES } from "../settings/dependencies.ts";
import { type SettingName, settingSpec } from "../settings/schema.ts";
import { bracketed } from "../settings/types.ts";
import type { Pending } from "./connections.ts";
import { heldIn } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";

/** What a round found wrong with the input, as problems: by code, in a constant form. */
export function inputProblems(
  evaluation: Evaluation,
  services: Readonly<Record<string, string>>,
): readonly Complaining[] {
  const { refusals, renderError, merged, choices, pending } = evaluation;
  return [
    ...refusals.map((complaint) => problem("input_refused", complaint)),
    ...(renderError === undefined ? [] : [problem("render_refused", renderError)]),
    ...pending.flatMap(probeProblem),
    ...merged.missing.map((name) => problem("setting_missing", missing(name, services))),
    ...heldIn(choices, merged).map(({ name, endpoint, reason }) =>
      problem("no_candidate", {
        where: `${name} (service ${services[name]})`,
        what: `${reason}; ${endpoint.host}:${endpoint.port} stays in use`,
        cure: "Look at its checks in Consul.",
      }),
    ),
  ];
}

/** A connection that is asked for but does not work, and what stays in use meanwhile. */
function probeProblem({ dependency, wanted, inUse, reason }: Pending): readonly Complaining[] {
  if (reason === undefined || inUse === undefined) return [];
  const what = `${bracketed(wanted.host)}:${wanted.port} is not taken over, since it ${reason}; ${bracketed(inUse.host)}:${inUse.port} stays in use`;
  return [
    problem("probe_failed", {
      where: dependency,
      what,
      cure: "It is probed until it answers well. Correct the setting, or look at that server.",
    }),
  ];
}

/** What stands between the watches and fresh answers. */
export function watchProblems(watches: readonly WatchHealth[]): readonly Complaining[] {
  return watches.flatMap(({ name, problem: text }) =>
    text === undefined ? [] : [{ code: "watch_failing", message: `${name}: ${text}` }],
  );
}

/** An error of ours keeps its complaint; any other is shown by its message. */
export function errorProblem(code: string, error: unknown): Complaining {
  return isAgentError(error) ? { code, message: error.message } : { code, message: messageOf(error) };
}

function problem(code: string, complaint: Complaint): Complaining {
  return { code, message: sentence(complaint) };
}

function missing(name: SettingName, services: Readonly<Record<string, string>>): Complaint {
  const { about, type } = settingSpec(name);
  const dependency = DEPENDENCY_NAMES.find((each) => DEPENDENCIES[each].host === name);
  const service = dependency && services[dependency];
  const orRegister = service ? `, or register a passing instance of the service ${service}` : "";
  return {
    where: name,
    what: `no source knows it (${about})`,
    cure: `Put it: consul kv put mastodon/settings/${name} ${quoted(type.example)}, or set ${name} in the environment${orRegister}.`,
  };
}

function quoted(example: string): string {
  return /[\s<>()]/.test(example) ? `'${example}'` : example;
}
