import type { Outcome } from "../apply/outcome.ts";
import type { Desired, Plan } from "../apply/plan.ts";
import { steadyMs } from "../base/clock.ts";
import { Misconfigured, messageOf } from "../base/errors.ts";
import { redactor } from "../base/secret.ts";
import { type KeyStorage, loadKeys, type PinnedKeys, type PinStore } from "../keys/load.ts";
import type { Options } from "../options.ts";
import type { Problems } from "../report/problems.ts";
import type { LastChange } from "../report/status.ts";
import { DEPENDENCIES } from "../settings/dependencies.ts";
import { NO_LEADER } from "../settings/leader.ts";
import { Attempt } from "./attempt.ts";
import type { Bell } from "./bell.ts";
import { type CandidateTimes, nextDwellEndMs } from "./endpoints.ts";
import { type Evaluation, evaluate, type Inputs, type Rules, rulesOf } from "./evaluate.ts";
import { certifiedDomains, configuredFacts } from "./facts.ts";
import type { Prober } from "./prober.ts";
import { errorProblem, inputProblems } from "./problems.ts";
import { causeOf, remember } from "./record.ts";
import { secretsIn } from "./secrets.ts";
import { serviceNames } from "./services.ts";
import { carryOut, differences, fullPlan, isEmpty, type Workshop } from "./transact.ts";
import type { WatchedWorld } from "./world.ts";

/** With a last known good state at hand, Consul is not waited for longer than this at the start. */
const PATIENCE_MS = 5000;
const KEYS_RETRY_MS = 2000;

export interface LoopContext extends Workshop {
  readonly options: Options;
  readonly world: WatchedWorld;
  readonly prober: Prober;
  readonly keyStorage: KeyStorage;
  readonly pinsOf: (domain: string) => PinStore;
  readonly problems: Problems;
  readonly bell: Bell;
}

/** When to look again: at once, at a time, or when the bell rings. */
type Next = "again" | { readonly atMs: number | undefined };

const ON_RING: Next = { atMs: undefined };

/**
 * The loop of the agent. Each round reads the newest snapshot of everything, works out what should be, and
 * applies it if it is due. Nothing depends on how many rings there were or in which order.
 */
export class Loop {
  readonly #context: LoopContext;
  readonly #rules: Rules;
  readonly #facts: ReturnType<typeof configuredFacts>;
  readonly #startedMs = steadyMs();
  readonly #attempt = new Attempt();
  #candidateTimes: CandidateTimes = new Map();
  #lastReloadMs: number | undefined;
  #unitsWereSeen = false;

  /** What the status shows. */
  evaluation: Evaluation | undefined;
  keys: { readonly domain: string; readonly values: PinnedKeys } | undefined;
  isApplying = false;
  lastFailure: string | undefined;
  lastChange: LastChange | undefined;

  constructor(context: LoopContext) {
    const { options } = context;
    this.#context = context;
    this.#facts = configuredFacts(options);
    this.#rules = rulesOf(options);
  }

  /** `DB_SSLMODE` as it is asked for. */
  get sslMode(): string | undefined {
    const value = this.evaluation?.merged.variables.get("DB_SSLMODE")?.[0].value;
    return typeof value === "string" ? value : undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { bell, prober } = this.#context;
    try {
      while (!signal.aborted) {
        const next = await this.#round(steadyMs(), signal);
        if (next !== "again") await bell.wait(next.atMs, steadyMs(), signal);
      }
    } finally {
      prober.want([]);
    }
  }

  async #round(nowMs: number, signal: AbortSignal): Promise<Next> {
    const { options, problems, store } = this.#context;
    if (!this.#mayBegin(nowMs)) return { atMs: store.read().applied && this.#startedMs + PATIENCE_MS };
    const evaluation = evaluate(this.#rules, await this.#inputs(nowMs));
    this.evaluation = evaluation;
    this.#context.prober.want(evaluation.probes);
    this.#candidateTimes = evaluation.candidateTimes;
    problems.replace("input", inputProblems(evaluation, serviceNames(options)));
    if (evaluation.merged.missing.length > 0) return { atMs: nextDwellEndMs(evaluation.choices) };
    if (this.keys === undefined) return this.#readKeys(evaluation, nowMs);
    const { desired } = evaluation;
    if (desired === undefined || evaluation.kv.hold !== undefined) return ON_RING;
    const { rejected } = store.read();
    if (rejected?.digest === desired.digest) {
      problems.replace("apply", [{ code: "change_put_back", message: rejected.reason }]);
      return { atMs: nextDwellEndMs(evaluation.choices) };
    }
    return this.#advance(evaluation, desired, nowMs, signal);
  }

  /** The world must have been seen once; a jail that starts while Consul is away goes on with the last known good. */
  #mayBegin(nowMs: number): boolean {
    const { world, store } = this.#context;
    if (this.evaluation !== undefined || world.isComplete) return true;
    return nowMs >= this.#startedMs + PATIENCE_MS && store.read().applied !== undefined;
  }

  async #inputs(nowMs: number): Promise<Inputs> {
    const { world, store, options, prober } = this.#context;
    const { kv, leader, catalogue } = world.snapshot;
    const memory = store.read();
    return {
      kv: kv ?? memory.kv.map((entry) => ({ ...entry, value: Buffer.from(entry.value) })),
      catalogue: new Map([...catalogue].map(([name, instances]) => [name, instances ?? []])),
      // While Consul is away nobody knows of a leader, so the endpoint in use stays.
      leader: leader ?? NO_LEADER,
      verdicts: prober.verdicts,
      memory,
      candidateTimes: this.#candidateTimes,
      keys: this.keys?.values.variables,
      facts: this.#facts,
      certificates: await certifiedDomains(options.config.paths.certificates),
      nowMs,
    };
  }

  /** @throws Misconfigured when the keys are refused: then nothing at all may be applied */
  async #readKeys({ merged }: Evaluation, nowMs: number): Promise<Next> {
    const { keyStorage, pinsOf, problems } = this.#context;
    const domain = String(merged.settings.get("DOMAIN")?.[0].value);
    try {
      this.keys = { domain, values: await loadKeys(keyStorage, pinsOf(domain)) };
      problems.replace("keys", []);
      return "again";
    } catch (error) {
      if (error instanceof Misconfigured) throw error;
      problems.replace("keys", [errorProblem("keys_waiting", error)]);
      return { atMs: nowMs + KEYS_RETRY_MS };
    }
  }

  async #advance(
    evaluation: Evaluation,
    desired: Desired,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Next> {
    const isWanted = !this.#unitsWereSeen || !isEmpty(await differences(desired, this.#context));
    if (!isWanted) return this.#rest(evaluation);
    this.#attempt.see(desired.digest, nowMs);
    const { min, max } = this.#context.options.config.settle;
    const dueMs = this.#attempt.dueAtMs(
      { isUrgent: isUrgent(evaluation), isFirst: !this.#unitsWereSeen, lastReloadMs: this.#lastReloadMs },
      { settleMinMs: min, settleMaxMs: max, minIntervalMs: this.#context.options.config.reload.min_interval },
    );
    if (dueMs > nowMs) return { atMs: Math.min(dueMs, nextDwellEndMs(evaluation.choices) ?? dueMs) };
    const task = await fullPlan(desired, this.#context);
    this.#unitsWereSeen = true;
    if (isEmpty(task)) return this.#rest(evaluation);
    await this.#apply(evaluation, desired, task, signal);
    return "again";
  }

  /** Disk and units are as desired. */
  async #rest(evaluation: Evaluation): Promise<Next> {
    this.#attempt.end();
    await this.#succeeded(evaluation);
    return { atMs: nextDwellEndMs(evaluation.choices) };
  }

  async #apply(evaluation: Evaluation, desired: Desired, task: Plan, signal: AbortSignal): Promise<void> {
    const { store } = this.#context;
    const cause = causeOf(store.read(), evaluation);
    this.isApplying = true;
    const began = performance.now();
    const outcome = await carryOut(
      task,
      this.#context,
      redactor(secretsIn(evaluation.merged, this.keys?.values)),
      signal,
    );
    const nowMs = steadyMs();
    this.isApplying = false;
    if (task.actions.some(({ was }) => was !== "stopped")) this.#lastReloadMs = nowMs;
    const units = task.actions.map(({ unit }) => unit.name);
    this.lastChange = {
      at: new Date(nowMs).toISOString(),
      cause,
      units,
      duration_ms: Math.round(performance.now() - began),
      outcome: outcome.kind,
    };
    if (outcome.kind !== "applied") return this.#failed(outcome, desired, nowMs);
    this.#context.log.info(
      { cause, units, wrote: outcome.wrote, duration_ms: outcome.durationMs },
      "change applied",
    );
  }

  /** What was put back is not tried again until it changes; everything else is, with growing distance. */
  async #failed(
    outcome: Exclude<Outcome, { kind: "applied" }>,
    desired: Desired,
    nowMs: number,
  ): Promise<void> {
    const { problems, store, log } = this.#context;
    const reason = messageOf(outcome.error);
    const wasPutBack =
      outcome.kind === "failed" && outcome.stage !== "write" && outcome.undone?.errors.length === 0;
    this.lastFailure = reason;
    this.#attempt.failed(nowMs);
    problems.replace("apply", [
      { code: wasPutBack ? "change_put_back" : `change_${outcome.kind}`, message: reason },
    ]);
    log.warn({ stage: outcome.stage, problem: reason, put_back: wasPutBack }, "change not applied");
    if (wasPutBack)
      await store.update((memory) => ({ ...memory, rejected: { digest: desired.digest, reason } }));
  }

  async #succeeded(evaluation: Evaluation): Promise<void> {
    const { problems, store } = this.#context;
    this.lastFailure = undefined;
    problems.replace("apply", []);
    await store.update((memory) => remember(memory, evaluation, new Date()));
  }
}

/** The endpoint in use is dead or demoted, and what replaces it is what will be rendered. */
function isUrgent({ choices, merged }: Evaluation): boolean {
  return [...choices].some(
    ([name, choice]) =>
      choice.kind === "move" &&
      choice.urgent &&
      merged.settings.get(DEPENDENCIES[name].host)?.[0].level === "catalogue",
  );
}
