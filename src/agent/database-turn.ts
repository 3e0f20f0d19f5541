import type { Complaint } from "../base/errors.ts";
import { acquireFleetLock, fleetLockKey } from "../consul/lock.ts";
import type { DatabaseContext } from "./database.ts";
import { type DatabaseStep, decide, type Scene } from "./database-decision.ts";
import { type DatabaseReport, databaseProblem } from "./database-report.ts";
import { runDatabaseSteps } from "./database-steps.ts";
import type { Evaluation } from "./evaluate.ts";
import { domainOf } from "./render-input.ts";

export interface DatabaseTurnContext extends DatabaseContext {
  readonly report: DatabaseReport;
  readonly look: (evaluation: Evaluation, signal: AbortSignal) => Promise<Scene>;
  /** Whether the database still needs this. */
  readonly isStillAsked: (evaluation: Evaluation) => boolean;
}

/** `other`: by now something else has to be done. `busy`: somebody else runs them, or will finish them. */
export type Turned = "done" | "other" | "busy" | "failed";

interface Failure {
  /** Digest of what was tried: it is not retried until that changes. */
  readonly key: string;
  readonly complaint: Complaint;
}

/**
 * Runs the steps that a database needs. One node of the domain at a time; a node that had to wait checks again what is
 * left.
 */
export class DatabaseTurn {
  readonly #context: DatabaseTurnContext;
  #failure: Failure | undefined;

  constructor(context: DatabaseTurnContext) {
    this.#context = context;
  }

  async run(
    steps: readonly DatabaseStep[],
    scene: Scene,
    evaluation: Evaluation,
    signal: AbortSignal,
  ): Promise<Turned> {
    const { options, client, log, report, look, isStillAsked } = this.#context;
    const key = this.#keyOf(scene);
    if (this.#failure?.key === key) return this.#failed(this.#failure, scene);
    const [domain, node, name] = [domainOf(evaluation.merged), options.node, "database/lock"];
    const onHolder = (holder: string | null) => report.waitsForTurn(fleetLockKey(domain, name), holder);
    onHolder(null);
    await using _lock = await acquireFleetLock({ client, domain, name, node, signal, log, onHolder });
    // Things may have changed by now.
    if (!isStillAsked(evaluation)) return "other";
    const again = await look(evaluation, signal);
    const decision = decide(again);
    if (decision.kind !== "run" || String(decision.steps) !== String(steps)) return "other";
    const complaint = await runDatabaseSteps(
      { ...this.#context, onStep: (step) => report.progress(step) },
      steps,
      again,
      evaluation,
      signal,
    );
    if (complaint === undefined) return "done";
    // A stopping agent leaves the command running; somebody else's migration is waited for.
    if (signal.aborted || (await look(evaluation, signal)).schema.kind === "busy") return "busy";
    return this.#failed({ key, complaint }, scene);
  }

  /** The database has what it needs, no matter who did it. */
  end(): void {
    this.#failure = undefined;
  }

  #failed(failure: Failure, scene: Scene): Turned {
    this.#failure = failure;
    this.#context.report.complain(failure.complaint, databaseProblem(scene), "failed");
    return "failed";
  }

  /** A failed step is retried with other code, another database or other settings, or when an operator asks. */
  #keyOf({ place, migrations }: Scene): string {
    return JSON.stringify([place, migrations.digest, this.#context.evaluation()?.desired?.digest]);
  }
}
