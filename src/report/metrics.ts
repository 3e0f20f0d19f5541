/** What Prometheus gets. Gauges are read from the status, counters and histograms are fed as things happen. */
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";
import { visible } from "../base/visible.ts";
import type { Change } from "./change.ts";
import { GAUGES } from "./metrics-gauges.ts";
import { PROBE_RESULTS, STAGES, UNIT_ACTIONS } from "./metrics-labels.ts";
import { registerProcess } from "./metrics-process.ts";
import { OUTCOMES } from "./outcomes.ts";
import { codeRow, PROBLEM_CODES } from "./problem-codes.ts";
import type { Problem } from "./problems.ts";
import type { Status } from "./status.ts";

const PREFIX = "mastodon_agent_";
/** From an evaluation to a sidekiq that gets two minutes for its jobs. */
const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Whoever may register a service could otherwise fill Prometheus with it: its ID and address are labels. */
const MOST_SERIES = 200;
const LONGEST_LABEL = 200;

/** Names known from the configuration: with them every counter starts at zero. */
export interface MetricsOptions {
  readonly units: readonly string[];
  readonly dependencies: readonly string[];
  /** Those of the dependencies that may be probed. */
  readonly probed: readonly string[];
}

/** Collects in its own registry. It has no timers and asks nothing of the system between scrapes. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #problems = this.#counter("problems_total", "Problems that have begun, by code.", ["code"]);
  readonly #rejected = this.#counter(
    "inputs_rejected_total",
    "Inputs that were refused: a value, a name, or all of them if they could not be rendered.",
  );
  readonly #endpointChanges = this.#counter(
    "endpoint_changes_total",
    "Moves of a dependency from one endpoint to another.",
    ["dependency"],
  );
  readonly #probes = this.#counter("probes_total", "Probes of endpoints, by result.", [
    "dependency",
    "result",
  ]);
  readonly #changes = this.#counter(
    "changes_total",
    "Attempts to change Mastodon's configuration, by outcome.",
    ["outcome", "urgent"],
  );
  readonly #unitActions = this.#counter(
    "unit_actions_total",
    "Reloads, restarts and starts of units, by whether the unit was healthy afterwards.",
    ["unit", "action", "outcome"],
  );
  readonly #changeDuration = this.#histogram(
    "change_duration_seconds",
    "How long a change took, from its first step to its last.",
  );
  readonly #stageDuration = this.#histogram(
    "stage_duration_seconds",
    "How long each stage of a change took; the first five, from notify to render, come before its first step.",
    ["stage"],
  );
  #status: Status | undefined;

  constructor({ units, dependencies, probed }: MetricsOptions) {
    this.#addGauges();
    registerProcess(this.#registry);
    for (const code of PROBLEM_CODES) this.#problems.inc({ code }, 0);
    for (const dependency of dependencies) this.#endpointChanges.inc({ dependency }, 0);
    for (const dependency of probed)
      for (const result of PROBE_RESULTS) this.#probes.inc({ dependency, result }, 0);
    for (const outcome of OUTCOMES)
      for (const urgent of ["true", "false"]) this.#changes.inc({ outcome, urgent }, 0);
    for (const unit of units)
      for (const action of UNIT_ACTIONS)
        for (const outcome of ["ok", "failed"]) this.#unitActions.inc({ unit, action, outcome }, 0);
    for (const stage of STAGES) this.#stageDuration.zero({ stage });
  }

  began({ code }: Pick<Problem, "code">): void {
    this.#problems.inc({ code });
    if (codeRow(code).isRejection) this.#rejected.inc();
  }

  probed(dependency: string, result: (typeof PROBE_RESULTS)[number]): void {
    this.#probes.inc({ dependency, result });
  }

  changed(change: Change): void {
    this.#changes.inc({ outcome: change.outcome, urgent: String(change.urgent) });
    this.#changeDuration.observe(change.duration_ms / 1000);
    for (const { stage, ms } of change.spans) this.#stageDuration.observe({ stage }, ms / 1000);
    for (const { unit, kind, ok } of change.actions)
      this.#unitActions.inc({ unit, action: kind, outcome: ok ? "ok" : "failed" });
    if (change.outcome !== "applied") return;
    for (const { dependency, before } of change.endpoints)
      if (before !== null) this.#endpointChanges.inc({ dependency });
  }

  /** In Prometheus' text format. */
  scrape(status: Status): Promise<string> {
    this.#status = status;
    return this.#registry.metrics();
  }

  #addGauges(): void {
    for (const { name, help, labels, read } of GAUGES) {
      const gauge = new Gauge({
        name: PREFIX + name,
        help,
        labelNames: [...labels],
        registers: [this.#registry],
        collect: () => {
          gauge.reset();
          // Without labels there is a sample after a reset, and it is 0, which may be false.
          if (labels.length === 0) gauge.remove();
          const samples = this.#status === undefined ? [] : read(this.#status);
          for (const [values, value] of samples.slice(0, MOST_SERIES)) gauge.set(bounded(values), value);
        },
      });
    }
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #histogram(name: string, help: string, labelNames: readonly string[] = []): Histogram {
    return new Histogram({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      buckets: SECONDS,
    });
  }
}

function bounded(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, visible(value, LONGEST_LABEL)]),
  );
}
