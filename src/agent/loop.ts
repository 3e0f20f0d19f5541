import { isDeepStrictEqual } from "node:util";
import { type Desired, mayServe, type Placed, startsOf } from "../apply/plan.ts";
import type { Bell } from "../base/bell.ts";
import { steadyMs, wallTimeAt } from "../base/clock.ts";
import { Misconfigured, messageOf, TryAgain } from "../base/errors.ts";
import { redactor } from "../base/secret.ts";
import type { Span } from "../base/span.ts";
import type { Waiting } from "../report/waiting.ts";
import { Applier, type ApplierContext } from "./applier.ts";
import { Attempt } from "./attempt.ts";
import { CertificateFolders } from "./certificate-folders.ts";
import type { DatabaseKeeper } from "./database.ts";
import { type CandidateTimes, nextDwellEndMs } from "./endpoints.ts";
import { type Evaluation, evaluate, type Inputs, type Rules, rulesOf } from "./evaluate.ts";
import { probeWait } from "./explanation.ts";
import { configuredFacts } from "./facts.ts";
import type { HoldKeeper } from "./hold-keeper.ts";
import { KeyRing, type KeyRingContext, type Keys } from "./key-ring.ts";
import { keyStorageOf } from "./key-storage.ts";
import { hasGoodSettings, isUrgent, knownKv } from "./last-good.ts";
import { LiveFile } from "./live-file.ts";
import { obstacleIn } from "./obstacle.ts";
import { Pacing } from "./pacing.ts";
import type { Prober } from "./prober.ts";
import { changeProblem, errorProblem, inputProblems } from "./problems.ts";
import { domainOf } from "./render-input.ts";
import type { Due } from "./schedule.ts";
import { secretsBeside, secretsIn } from "./secrets.ts";
import { placesOf } from "./services.ts";
import { differences, fullPlan, isEmpty } from "./transact.ts";
import type { Turn } from "./turn.ts";
import { WayBack } from "./way-back.ts";
import type { WatchedWorld } from "./world.ts";

/** If there is a last known good state, the start waits for Consul no longer than this. */
const PATIENCE_MS = 5000;
const KEYS_RETRY_MS = 2000;
const RETRY_MS = 5000;

export interface LoopContext extends ApplierContext, KeyRingContext {
  readonly world: WatchedWorld;
  readonly prober: Prober;
  readonly turn: Turn;
  readonly bell: Bell;
  readonly database: Pick<DatabaseKeeper, "mayApply">;
  readonly holds: Pick<HoldKeeper, "see">;
  /** Nothing answers at Consul's address, and starting a client there is not the agent's job. */
  readonly isConsulAway: () => boolean;
}

/** What a round has looked at. */
export interface Seen {
  readonly inputs: Inputs;
  readonly keys: Keys;
  /** How long the news had waited for the round. */
  readonly notifyMs: number;
  /** Of the evaluation. */
  readonly spans: readonly Span[];
}

/** The result of a round: another one at once, or a rest until the bell rings. */
export type Next = "again" | Rest;

export interface Rest {
  /** When it ends at the latest. */
  readonly atMs: number | undefined;
  /**
   * Why what is asked for is not in force; undefined if it is, or if only a connection is not. Only while waiting for
   * the node's turn may it be taken or kept.
   */
  readonly waiting: Waiting | undefined;
}

/**
 * The agent's loop. Each round reads the newest snapshot of everything, works out what should be, and applies it if it
 * is due. Nothing depends on how many rings there were or in which order.
 */
export class Loop {
  readonly #context: LoopContext;
  readonly #rules: Rules;
  readonly #facts: ReturnType<typeof configuredFacts>;
  readonly #startedMs = steadyMs();
  readonly #attempt = new Attempt();
  readonly #pacing: Pacing;
  readonly #wayBack: WayBack;
  readonly #certificates: CertificateFolders;
  readonly #keyRing: KeyRing;
  readonly #liveFile: LiveFile;
  #candidateTimes: CandidateTimes = new Map();
  #waiting: Waiting | undefined = { kind: "start" };

  /** What the status shows. */
  readonly applier: Applier;
  evaluation: Evaluation | undefined;

  constructor(context: LoopContext) {
    this.#context = context;
    this.#certificates = new CertificateFolders(context.options);
    this.#keyRing = new KeyRing(context);
    this.#liveFile = new LiveFile(keyStorageOf(context.options).liveEnvFile, context.store);
    this.#facts = configuredFacts(context.options);
    this.#rules = rulesOf(context.options);
    this.applier = new Applier(context);
    this.#pacing = new Pacing(context.options, this.applier);
    this.#wayBack = new WayBack(context, this.#rules, this.applier, this.#pacing);
  }

  get keys(): Keys | undefined {
    return this.#keyRing.keys;
  }

  /** Why what is asked for is not in force, as the last round found; undefined if it is, or if only a connection is not. */
  get waiting(): Waiting | undefined {
    return this.applier.isApplying ? { kind: "applying" } : this.#waiting;
  }

  /** Disk and units have been compared with what is asked for at least once. */
  get hasLooked(): boolean {
    return this.#pacing.hasLooked;
  }

  /** Units may be started at any time, not only because of a change. */
  get isStarting(): boolean {
    if (this.evaluation?.kv.hold !== undefined) return false;
    return !this.hasLooked || this.applier.isApplying;
  }

  /** Removes the currently known secrets from a program's output. */
  redact(text: string): string {
    const { evaluation, keys } = this;
    const { options, store } = this.#context;
    const known = evaluation === undefined ? [] : secretsIn(evaluation.merged, keys?.values);
    return redactor([...known, ...secretsBeside(options, store.read())])(text);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { bell, prober, turn } = this.#context;
    try {
      await this.#lookForCertificates();
      for (let notifyMs = 0; !signal.aborted; ) {
        const next = await this.#tryRound(steadyMs(), notifyMs, signal);
        if (next === "again" || next.waiting?.kind !== "turn") await turn.end();
        if (next !== "again") this.#says(next.waiting);
        const isCertified = await this.#lookForCertificates();
        const isAgain = next === "again" || isCertified;
        notifyMs = isAgain ? 0 : await bell.wait(next.atMs, steadyMs(), signal);
      }
    } finally {
      prober.want([]);
      await turn.end();
    }
  }

  #says(waiting: Waiting | undefined): void {
    const isNews = !isDeepStrictEqual(waiting, this.#waiting);
    this.#waiting = waiting;
    if (isNews) this.#context.onChange();
  }

  /** @returns whether they have changed */
  #lookForCertificates(): Promise<boolean> {
    return this.#certificates.look(this.#context.store.read().certificates);
  }

  /** An obstacle in the way of a file stops changes, but nothing else. */
  async #tryRound(nowMs: number, notifyMs: number, signal: AbortSignal): Promise<Next> {
    try {
      await this.#liveFile.look();
      return await this.#round(nowMs, notifyMs, signal);
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      this.applier.refuse(error);
      return retryAt(nowMs + RETRY_MS, error);
    }
  }

  async #round(nowMs: number, notifyMs: number, signal: AbortSignal): Promise<Next> {
    const { options, problems, store, prober, holds, onChange } = this.#context;
    if (!this.#mayBegin(nowMs)) {
      const atMs = store.read().applied && this.#startedMs + PATIENCE_MS;
      return { atMs, waiting: { kind: "start" } };
    }
    const inputs = this.#inputs(nowMs);
    const spans: Span[] = [];
    const evaluation = evaluate(this.#rules, inputs, (span) => spans.push(span));
    this.evaluation = evaluation;
    this.#candidateTimes = evaluation.candidateTimes;
    prober.want(evaluation.probes);
    const { prefix } = options.config.watch;
    problems.replace("input", inputProblems(evaluation, placesOf(options)));
    onChange();
    await holds.see(evaluation);
    const obstacle = obstacleIn(evaluation, inputs.memory);
    if (obstacle?.kind === "missing") return { atMs: nextDwellEndMs(evaluation.choices), waiting: obstacle };
    const { keys } = this;
    if (keys === undefined) return this.#readKeys(evaluation, nowMs);
    const { desired } = evaluation;
    if (obstacle?.kind === "hold") return { atMs: undefined, waiting: obstacle };
    const pinned = await this.#keyRing.keysFor(domainOf(evaluation.merged), keys);
    const isRefused = pinned instanceof Error;
    const seen: Seen = { inputs, keys: isRefused ? keys : pinned, notifyMs, spans };
    if (isRefused) {
      this.applier.refuse(pinned);
      return this.#wayBack.go(seen, desired?.digest, retryAt(nowMs + RETRY_MS, pinned), signal);
    }
    const rest = { atMs: undefined, waiting: obstacle ?? evaluation.pending.map(probeWait)[0] };
    if (desired === undefined) return this.#wayBack.go(seen, undefined, rest, signal);
    if (obstacle?.kind === "rejected") {
      problems.replace("apply", [changeProblem("change_put_back", obstacle.reason, prefix)]);
      return this.#wayBack.go(seen, desired.digest, rest, signal);
    }
    return this.#advance(evaluation, desired, seen, signal);
  }

  /** Every source must have answered once; a jail that starts while Consul is away uses the last known good. */
  #mayBegin(nowMs: number): boolean {
    const { world, store, isConsulAway } = this.#context;
    if (this.evaluation !== undefined || world.isComplete) return true;
    if (store.read().applied === undefined) return false;
    return isConsulAway() || nowMs >= this.#startedMs + PATIENCE_MS;
  }

  #inputs(nowMs: number): Inputs {
    const { world, store, prober } = this.#context;
    const { kv, leader, catalogue, sentinels } = world.snapshot;
    const memory = store.read();
    return {
      kv: kv ?? knownKv(memory),
      // What was accepted may still be waiting for its turn: it is good nevertheless, and newer than what is in force.
      accepted: this.evaluation?.kv.accepted ?? memory.kv,
      catalogue,
      sentinels,
      leader,
      verdicts: prober.verdicts,
      memory,
      candidateTimes: this.#candidateTimes,
      keys: this.keys?.values.variables,
      facts: this.#facts,
      certificates: this.#certificates.byDomain,
      goodCertificates: this.#certificates.lastGood,
      nowMs,
    };
  }

  /** @throws Misconfigured when the keys are refused: then nothing at all may be applied */
  async #readKeys({ merged }: Evaluation, nowMs: number): Promise<Next> {
    const { problems, options } = this.#context;
    try {
      await this.#keyRing.read(domainOf(merged));
      problems.replace("keys", []);
      return "again";
    } catch (error) {
      if (error instanceof Misconfigured) throw error;
      problems.replace("keys", [errorProblem("keys_waiting", options.config.paths.keys, error)]);
      return { atMs: nowMs + KEYS_RETRY_MS, waiting: { kind: "keys", reason: messageOf(error) } };
    }
  }

  async #advance(evaluation: Evaluation, desired: Desired, seen: Seen, signal: AbortSignal): Promise<Next> {
    const { inputs } = seen;
    const { nowMs } = inputs;
    const placed = await this.applier.place(desired);
    if (this.applier.isBehind && !this.#context.world.isComplete)
      return this.#startAsFound(evaluation, placed, seen, signal);
    if (this.#pacing.hasLooked && isEmpty(differences(placed, this.#context))) return this.#rest(evaluation);
    this.#attempt.see(desired.digest, nowMs, seen.notifyMs);
    const urgent = isUrgent(evaluation);
    if (urgent && !hasGoodSettings(evaluation, inputs.memory) && this.#wayBack.isShorterThan(desired, inputs))
      return this.#wayBack.go(seen, desired.digest, { atMs: undefined, waiting: { kind: "round" } }, signal);
    const due = this.#pacing.dueAt(this.#attempt, urgent);
    if (due.atMs > nowMs) {
      const atMs = Math.min(due.atMs, nextDwellEndMs(evaluation.choices) ?? due.atMs);
      const rest: Rest = { atMs, waiting: this.#until(due) };
      return this.#attempt.hasFailed ? this.#wayBack.go(seen, desired.digest, rest, signal) : rest;
    }
    return this.#applyInTurn(evaluation, placed, seen, urgent, signal);
  }

  /** The files are newer than the state, and Consul cannot be asked what should be in them: they stay as they are. */
  async #startAsFound(
    evaluation: Evaluation,
    placed: Placed,
    { keys, inputs, spans }: Seen,
    signal: AbortSignal,
  ): Promise<Next> {
    const starts = startsOf(await fullPlan(placed, this.#context));
    const mayStart = await this.#context.database.mayApply(evaluation, starts, false);
    if (isEmpty(starts) || !mayStart) return { atMs: undefined, waiting: { kind: "start" } };
    const asFound = { ...evaluation, desired: undefined };
    const isDone = await this.applier.apply(asFound, starts, keys.values, { urgent: false, spans }, signal);
    return isDone ? "again" : { atMs: inputs.nowMs + RETRY_MS, waiting: { kind: "start" } };
  }

  /** If running units would be disturbed, a routine change waits for this node's turn. */
  async #applyInTurn(
    evaluation: Evaluation,
    desired: Placed,
    seen: Seen,
    urgent: boolean,
    signal: AbortSignal,
  ): Promise<Next> {
    const { turn, options, database } = this.#context;
    const { keys } = seen;
    const task = await fullPlan(desired, this.#context, urgent);
    const atMs = nextDwellEndMs(evaluation.choices);
    if (!(await database.mayApply(evaluation, task, urgent))) return { atMs, waiting: { kind: "database" } };
    const disturbs = task.actions.some(mayServe);
    // What was cut off had this node's turn; until it is finished it is not known what the units run with.
    const mayWait = disturbs && !urgent && !this.applier.wasCutOff;
    if (options.config.reload.fleet_lock && mayWait && !turn.isOurs) {
      return { atMs, waiting: { kind: "turn", ...turn.ask(keys.domain) } };
    }
    this.#pacing.hasLooked = true;
    if (isEmpty(task)) return this.#rest(evaluation);
    this.#waiting = undefined;
    const isOneWay = urgent && hasGoodSettings(evaluation, this.#context.store.read());
    const isApplied = await this.applier.apply(
      evaluation,
      { ...task, isOneWay },
      keys.values,
      { urgent, spans: this.#pacing.waySoFar(this.#attempt, seen, urgent) },
      signal,
    );
    if (isApplied) await this.applier.settled(evaluation);
    else this.#attempt.failed(steadyMs());
    return "again";
  }

  /** Disk and units are as desired. */
  async #rest(evaluation: Evaluation): Promise<Next> {
    this.#attempt.end();
    this.#wayBack.end();
    this.#waiting = undefined;
    await this.applier.settled(evaluation);
    return { atMs: nextDwellEndMs(evaluation.choices), waiting: undefined };
  }

  #until({ after, atMs }: Due): Waiting {
    const until = wallTimeAt(atMs);
    return after === "retry"
      ? { kind: after, until, reason: this.applier.lastFailure ?? "" }
      : { kind: after, until };
  }
}

function retryAt(atMs: number, error: Error): Rest {
  return { atMs, waiting: { kind: "retry", until: wallTimeAt(atMs), reason: messageOf(error) } };
}
