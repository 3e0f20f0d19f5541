import { addressOf } from "../base/address.ts";
import { type Complaint, messageOf } from "../base/errors.ts";
import type { WatchHealth } from "../consul/watch.ts";
import type { ProblemCode } from "../report/problem-codes.ts";
import { type Complaining, problemOf } from "../report/problems.ts";
import { DEPENDENCIES, DEPENDENCY_NAMES, type DependencyName } from "../settings/dependencies.ts";
import { isSettingName, type SettingName, settingSpec } from "../settings/schema.ts";
import type { Pending } from "./connections.ts";
import { heldIn } from "./endpoints.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Places } from "./services.ts";

/** What a round found wrong with the input, as problems: by code, in a constant form. */
export function inputProblems(evaluation: Evaluation, places: Places): readonly Complaining[] {
  const { refusals, renderError, merged, choices, pending } = evaluation;
  return [
    ...refusals.map(({ complaint }) => problemOf("input_refused", complaint)),
    ...(renderError === undefined ? [] : [problemOf("render_refused", renderError)]),
    ...pending.flatMap(probeComplaint).map((complaint) => problemOf("probe_failed", complaint)),
    ...merged.missing.map((name) => problemOf("setting_missing", missing(name, places))),
    ...heldIn(choices, merged).map(({ name, endpoint, reason }) =>
      problemOf(
        "no_candidate",
        {
          where: `${name} (service ${places.services[name]})`,
          what: `${reason}; ${endpoint.host}:${endpoint.port} stays in use`,
          cure: `Make an instance pass its checks (\`mastodon-agent status\` says why none may be chosen), or name another host: \`${putHost(name, places)}\`.`,
        },
        name,
      ),
    ),
  ];
}

/** A requested connection that does not work, and what stays in use meanwhile. Nothing while that is not known. */
export function probeComplaint({ dependency, wanted, inUse, reason, cure }: Pending): readonly Complaint[] {
  if (reason === undefined || inUse === undefined) return [];
  const what = `${addressOf(wanted)} is not used, because it ${reason}; ${inUse} stays in use`;
  return [
    {
      where: dependency,
      what,
      cure: `${cure ?? "Correct the setting, or check that server."} The agent keeps probing it until it works.`,
    },
  ];
}

/** What stands between the watches and fresh answers. */
export function watchProblems(
  watches: readonly Pick<WatchHealth, "name" | "problem">[],
): readonly Complaining[] {
  return watches.flatMap(({ name, problem: what }) =>
    what === undefined ? [] : [problemOf("watch_failing", { where: name, what, cure: ASKED_ON })],
  );
}

const ASKED_ON =
  "What was last read stays in force, and the agent keeps asking. If this lasts, check `consul members` and the client's log.";

/** A failed apply: what the machine said, and what happens now. */
export function changeProblem(
  code: keyof typeof CHANGE_ENDS | "change_put_back",
  reason: string,
  prefix: string,
): Complaining {
  const end =
    code === "change_put_back"
      ? `The last known good configuration is in force again. Correct what was put, or repair the unit and retry: \`consul kv put ${prefix}/control/reload "$(date)"\`.`
      : CHANGE_ENDS[code];
  return { code, about: CONFIGURATION, message: `${reason.replace(/[^.]$/, "$&.")} ${end}` };
}

/** What every change is about. */
const CONFIGURATION = "Mastodon's configuration";

const CHANGE_ENDS = {
  change_refused: "Nothing was changed. The agent retries by itself.",
  change_failed: "The agent retries by itself.",
};

/** Gone as soon as there is a state again: until then there is no last known good to go on with. */
export function damagedStateProblem(complaint: Complaint): Complaining {
  return problemOf("state_damaged", complaint);
}

/** @param about what it concerns */
export function errorProblem(code: ProblemCode, about: string, error: unknown): Complaining {
  return { code, about, message: messageOf(error) };
}

function missing(name: SettingName, { prefix, services, environmentFiles }: Places): Complaint {
  const { about, type } = settingSpec(name);
  const dependency = DEPENDENCY_NAMES.find((each) => DEPENDENCIES[each].host === name);
  const service = dependency && services[dependency];
  const orRegister = service ? `, or register a passing instance of the service ${service}` : "";
  return {
    where: name,
    what: `no source knows it (${about})`,
    cure: `Put it: \`consul kv put ${prefix}/settings/${name} ${quoted(type.example)}\`, or set ${name} in ${environmentFiles.join(" or ") || "the environment"}${orRegister}.`,
  };
}

function putHost(name: DependencyName, { prefix }: Places): string {
  const { host } = DEPENDENCIES[name];
  return `consul kv put ${prefix}/${isSettingName(host) ? "settings" : "env"}/${host} HOST`;
}

function quoted(example: string): string {
  return /[\s<>()]/.test(example) ? `'${example}'` : example;
}
