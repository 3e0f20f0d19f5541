/** Gauges as a table: each is read from the status at the moment of a scrape, so nothing is kept twice. */
import { PROBLEM_CODES } from "./problem-codes.ts";
import { STATES, type Status } from "./status.ts";

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface GaugeRow {
  /** Without the prefix. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What is not known has no sample. */
  readonly read: (status: Status) => readonly Sample[];
}

/** Adding a gauge is adding a row. None may show a secret: an endpoint's host and port are the only values of settings. */
export const GAUGES: readonly GaugeRow[] = [
  {
    name: "info",
    help: "Version of the agent, and its node's name in Consul; always 1.",
    labels: ["version", "node"],
    read: ({ version, node }) => [[{ version, node }, 1]],
  },
  {
    name: "state",
    help: "The agent's state: 1 for the current one, 0 for the others.",
    labels: ["state"],
    read: ({ state }) => STATES.map((each) => [{ state: each }, flag(each === state)]),
  },
  {
    name: "converged",
    help: "Whether the units run with what the sources ask for.",
    labels: [],
    read: ({ desired, applied }) => one(flag(desired !== null && desired === applied)),
  },
  {
    name: "held",
    help: "Whether an operator has put all changes on hold.",
    labels: [],
    read: ({ hold }) => one(flag(hold !== null)),
  },
  {
    name: "problems",
    help: "Current problems by code.",
    labels: ["code"],
    read: ({ problems }) => countByCode(problems.map(({ code }) => code)),
  },
  {
    name: "watch_up",
    help: "Whether a watch in Consul gets credible answers.",
    labels: ["watch"],
    read: ({ watches }) => watches.map(({ name, problem }) => [{ watch: name }, flag(problem === null)]),
  },
  {
    name: "watch_index",
    help: "The Consul index that a watch last saw.",
    labels: ["watch"],
    read: ({ watches }) => watches.map(({ name, index }) => [{ watch: name }, Number(index)]),
  },
  {
    name: "watch_last_answer_timestamp_seconds",
    help: "When Consul last answered a watch; if nothing changes it answers once a minute.",
    labels: ["watch"],
    read: ({ watches }) =>
      watches.flatMap(({ name, last_answer_at }) => timestamp({ watch: name }, last_answer_at)),
  },
  {
    name: "consul_connected",
    help: "Whether the local Consul client answers.",
    labels: [],
    read: ({ consul }) => one(flag(consul.connected)),
  },
  {
    name: "consul_joined",
    help: "Whether this node is part of a Consul cluster that has a leader.",
    labels: [],
    read: ({ consul }) => one(flag(consul.joined)),
  },
  {
    name: "consul_members",
    help: "Members of the Consul cluster that are alive, servers and clients.",
    labels: [],
    read: ({ consul }) => one(consul.members),
  },
  {
    name: "endpoint_info",
    help: "The endpoint that Mastodon is configured with for a dependency, and its source; always 1.",
    labels: ["dependency", "host", "port", "source"],
    read: ({ endpoints }) =>
      Object.entries(endpoints).flatMap(([dependency, { host, port, source }]): Sample[] =>
        host === null ? [] : [[{ dependency, host, port: String(port ?? ""), source: source ?? "" }, 1]],
      ),
  },
  {
    name: "endpoint_since_timestamp_seconds",
    help: "Since when Mastodon has been configured with a dependency's endpoint.",
    labels: ["dependency"],
    read: ({ endpoints }) =>
      Object.entries(endpoints).flatMap(([dependency, { since }]) => timestamp({ dependency }, since)),
  },
  {
    name: "candidates",
    help: "Instances of a dependency in the catalogue, by whether they may now be chosen.",
    labels: ["dependency", "eligible"],
    read: ({ endpoints }) =>
      Object.entries(endpoints).flatMap(([dependency, { candidates }]) =>
        [true, false].map((eligible): Sample => {
          const count = candidates.filter((candidate) => candidate.eligible === eligible).length;
          return [{ dependency, eligible: String(eligible) }, count];
        }),
      ),
  },
  {
    name: "probe_up",
    help: "Whether Mastodon could work with an endpoint that is being probed.",
    labels: ["dependency", "host", "port"],
    // One endpoint may be probed with old and new credentials; the last sample counts, and that is a failing one.
    read: ({ probes }) =>
      [...probes.filter(({ ok }) => ok), ...probes.filter(({ ok }) => !ok)].map(
        ({ dependency, host, port, ok }) => [{ dependency, host, port: String(port) }, flag(ok)],
      ),
  },
  {
    name: "connection_up",
    help: "Whether the connection that Mastodon uses works, with the credentials in force; one that was not probed is left out.",
    labels: ["dependency"],
    read: ({ endpoints }) =>
      Object.entries(endpoints).flatMap(([dependency, { check }]): Sample[] =>
        check.healthy === null ? [] : [[{ dependency }, flag(check.healthy)]],
      ),
  },
  {
    name: "unit_up",
    help: "Whether a unit passes its health check; a unit without one is left out.",
    labels: ["unit"],
    read: ({ units }) =>
      Object.entries(units).flatMap(([unit, { healthy }]): Sample[] =>
        healthy === null ? [] : [[{ unit }, flag(healthy)]],
      ),
  },
  {
    name: "unit_current",
    help: "Whether a unit runs with what it should.",
    labels: ["unit"],
    read: ({ units }) => Object.entries(units).map(([unit, { current }]) => [{ unit }, flag(current)]),
  },
  {
    name: "certificate_expiry_timestamp_seconds",
    help: "When the certificate that nginx serves for a domain expires.",
    labels: ["domain"],
    read: ({ certificates }) =>
      certificates.flatMap(({ domain, not_after }) => timestamp({ domain }, not_after)),
  },
  {
    name: "migrations_pending",
    help: "Migrations that the database lacks: those to run before the code on disk is started, and those after no old code runs any more.",
    labels: ["step"],
    read: ({ migration }) =>
      Object.entries(migration?.pending ?? {}).map(([step, count]) => [{ step }, count]),
  },
  {
    name: "last_change_timestamp_seconds",
    help: "When the last change of Mastodon's configuration ended, whatever its outcome.",
    labels: [],
    read: ({ last_change }) => timestamp({}, last_change?.at ?? null),
  },
];

function flag(isSo: boolean): number {
  return isSo ? 1 : 0;
}

function one(value: number): readonly Sample[] {
  return [[{}, value]];
}

function timestamp(labels: Readonly<Record<string, string>>, iso: string | null): readonly Sample[] {
  return iso === null ? [] : [[labels, Date.parse(iso) / 1000]];
}

/** Codes without a problem are there as 0, so that an alert sees its problem go away. */
function countByCode(codes: readonly string[]): readonly Sample[] {
  const all = new Set<string>([...PROBLEM_CODES, ...codes]);
  return [...all].map((code) => [{ code }, codes.filter((each) => each === code).length]);
}
