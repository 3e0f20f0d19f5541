import type { Gate } from "../apply/gate.ts";
import type { Outcome } from "../apply/outcome.ts";
import { place } from "../apply/place.ts";
import { type Desired, mayServe, type Placed, type Plan } from "../apply/plan.ts";
import { steadyMs } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { redactor, reveal } from "../base/secret.ts";
import type { Span } from "../base/span.ts";
import type { PinnedKeys } from "../keys/load.ts";
import type { Options } from "../options.ts";
import type { Change } from "../report/change.ts";
import type { Problems } from "../report/problems.ts";
import { changeOf } from "./change.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { doubting, filesIn, newerFiles } from "./newer-files.ts";
import { changeProblem } from "./problems.ts";
import { remember } from "./record.ts";
import { secretsBeside, secretsIn } from "./secrets.ts";
import { takeOver } from "./takeover.ts";
import { carryOut, type Workshop } from "./transact.ts";

export interface ApplierContext extends Workshop {
  readonly options: Options;
  readonly problems: Problems;
  /** Receives the outcome of each apply. */
  readonly record: (change: Change) => Promise<void>;
  /** Called when the status changes. */
  readonly onChange: () => void;
}

/** What led to an apply. */
export interface Approach {
  readonly urgent: boolean;
  /** Where the time went before it. */
  readonly spans: readonly Span[];
}

/** Applies what the loop has decided on, and keeps track of what is in force, what was rolled back, and what failed last. */
export class Applier {
  readonly #context: ApplierContext;
  isApplying = false;
  lastFailure: string | undefined;
  /** When units were last reloaded, on the steady clock. */
  lastReloadMs: number | undefined;
  /** An apply or its rollback was cut off: until everything is settled again it is not known what the units run with. */
  wasCutOff: boolean;
  /** The files are newer than the state, until everything is settled again. */
  isBehind = false;
  #hasCompared = false;
  #suspect: Rejected | undefined;

  constructor(context: ApplierContext) {
    this.#context = context;
    this.wasCutOff = context.store.read().intent !== undefined;
  }

  /** Why this desired state was once rolled back; it is not retried until it changes. */
  rejection(digest: string): string | undefined {
    const { rejected } = this.#context.store.read();
    return rejected?.digest === digest ? rejected.reason : undefined;
  }

  /** The desired state beside the actual one. The first look also finds out whether the state is older than the files. */
  async place(desired: Desired): Promise<Placed> {
    const placed = await place(desired);
    if (!this.#hasCompared) await this.#compare(placed);
    this.#hasCompared = true;
    return placed;
  }

  /** What was cut off and recorded as such is known well enough. */
  async #compare(placed: Placed): Promise<void> {
    const { store, log } = this.#context;
    const newer = newerFiles(placed, store.read());
    if (this.wasCutOff || newer.length === 0) return;
    log.info({ files: newer.map(({ spec }) => spec.path) }, "files are newer than the state");
    this.isBehind = true;
    this.wasCutOff = true;
    await this.#note((memory) => doubting(memory, newer));
  }

  /**
   * True when everything is in force. An apply that has begun is finished, whatever the signal says.
   * @throws TryAgain when nothing was begun, because no copy of what would be lost can be kept
   */
  async apply(
    evaluation: Evaluation,
    task: Plan,
    keys: PinnedKeys,
    approach: Approach,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { store, log, options, record, onChange } = this.#context;
    const memory = store.read();
    const redact = redactor([...secretsIn(evaluation.merged, keys), ...secretsBeside(options, memory)]);
    const takeover = await takeOver(task, evaluation, { options, memory, log });
    const spans = [...approach.spans];
    const began = performance.now();
    this.isApplying = true;
    onChange();
    const outcome = await carryOut(
      task,
      { ...this.#context, observe: (span) => spans.push(span) },
      redact,
      signal,
      gateFor(options, evaluation),
      evaluation.desired?.digest,
    );
    this.isApplying = false;
    if (task.actions.some(mayServe) && outcome.kind !== "refused") this.lastReloadMs = steadyMs();
    const change = changeOf({
      memory,
      takeover,
      evaluation,
      outcome,
      urgent: approach.urgent,
      redact,
      spans,
      began,
    });
    if (outcome.kind !== "applied") await this.#failed(outcome, evaluation);
    else {
      const { cause, units, wrote, duration_ms } = change;
      log.info({ cause, units, wrote, duration_ms }, "change applied");
    }
    await record(change);
    return outcome.kind === "applied";
  }

  /** Nothing was begun: the desired state could not even be compared with the actual one. */
  refuse(error: Error): void {
    this.#complain("change_refused", messageOf(error));
  }

  /** Disk and units are as desired: this is the last known good from now on. */
  async settled(evaluation: Evaluation): Promise<void> {
    const { problems } = this.#context;
    this.lastFailure = undefined;
    this.wasCutOff = false;
    this.isBehind = false;
    problems.replace("apply", []);
    problems.replace("damaged state", []);
    await this.#note((memory) => remember(memory, evaluation, new Date()));
    this.#context.onChange();
  }

  /** Disk and units are as this says, instead of as requested; the request stays rejected. */
  async settledWithout(evaluation: Evaluation): Promise<void> {
    const { rejected } = this.#context.store.read();
    await this.settled(evaluation);
    if (rejected !== undefined) await this.#note((memory) => ({ ...memory, rejected }));
  }

  /** Rejects what a unit just failed with, although there were no old files to go back to. */
  async giveUp(digest: string): Promise<void> {
    const rejected = this.#suspect;
    if (rejected?.digest === digest) await this.#note((memory) => ({ ...memory, rejected }));
  }

  async #failed(outcome: Exclude<Outcome, { kind: "applied" }>, { desired }: Evaluation): Promise<void> {
    const { log } = this.#context;
    const reason = messageOf(outcome.error);
    // As after a kill: what is rejected stays rejected, and the rollback to the last known good is retried until
    // verified.
    if (isHalfBack(outcome)) this.wasCutOff = true;
    this.#complain(`change_${outcome.kind}`, reason);
    log.warn({ outcome: outcome.kind, stage: outcome.stage, problem: reason }, "change not applied");
    const rejected = desired && { digest: desired.digest, reason };
    const isOfUnits = outcome.stage === "reload" || outcome.stage === "verify";
    this.#suspect = isOfUnits ? rejected : undefined;
    const areFilesKept = outcome.kind === "failed" && outcome.undone === undefined;
    await this.#note(({ intent, ...memory }) => ({
      ...memory,
      ...(areFilesKept && desired && { files: filesIn(desired.files) }),
      ...(this.wasCutOff && intent !== undefined && { intent }),
      ...(outcome.kind === "put_back" && rejected && { rejected }),
    }));
  }

  #complain(code: Parameters<typeof changeProblem>[0], reason: string): void {
    const { problems, options, onChange } = this.#context;
    this.lastFailure = reason;
    onChange();
    problems.replace("apply", [changeProblem(code, reason, options.config.watch.prefix)]);
  }

  /** A state that cannot be written stays in memory, and is written as soon as possible. */
  async #note(change: (memory: Memory) => Memory): Promise<void> {
    await this.#context.store.update(change).catch(() => {});
  }
}

type Rejected = NonNullable<Memory["rejected"]>;

/** The rollback was begun but not finished: a unit does not run well with the old files either, or not yet. */
function isHalfBack(outcome: Outcome): boolean {
  return outcome.kind === "put_back" && outcome.undone.errors.length > 0;
}

function gateFor({ config }: Options, { variables }: Evaluation): Gate | undefined {
  if (config.gate === undefined || variables === undefined) return undefined;
  const environment = Object.fromEntries([...variables].map(([name, value]) => [name, reveal(value)]));
  return {
    argv: config.gate.run,
    timeoutMs: config.gate.timeout,
    folder: config.paths.mastodon,
    environment,
  };
}
