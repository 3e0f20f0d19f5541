import { migrationsIn, type PendingMigrations, pendingIn } from "../apply/migrations.ts";
import type { Plan } from "../apply/plan.ts";
import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import { type Complaint, isAgentError, messageOf } from "../base/errors.ts";
import type { ConsulClient } from "../consul/client.ts";
import { writeDatabaseState, writeNodeCode } from "../consul/database-record.ts";
import { ConsulError } from "../consul/errors.ts";
import type { Options } from "../options.ts";
import type { Change } from "../report/change.ts";
import type { Log } from "../report/log.ts";
import type { Problems } from "../report/problems.ts";
import type { MigrationStatus } from "../report/status.ts";
import type { StateStore } from "../state/store.ts";
import { CONSUL, type DatabaseStep, type Decision, decide, type Scene } from "./database-decision.ts";
import { DATABASE_UNITS, withCode, withStaleUnits } from "./database-memory.ts";
import { DatabaseReport, databaseProblem } from "./database-report.ts";
import { lookAround, placeOf } from "./database-scene.ts";
import { DatabaseTurn, type Turned } from "./database-turn.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Memory } from "./memory.ts";
import { domainOf } from "./render-input.ts";

/** Somebody may have unpacked a new Mastodon, or upgraded the other nodes. */
const LOOK_EVERY_MS = 10_000;
/** Web and sidekiq are waiting for it. */
const LOOK_EAGERLY_MS = 2_000;
const LOOK_AFTER_MS: Readonly<Record<Turned, number>> = {
  done: 0,
  other: 0,
  busy: LOOK_EAGERLY_MS,
  failed: LOOK_EVERY_MS,
};

export interface DatabaseContext {
  readonly options: Options;
  readonly client: ConsulClient;
  readonly store: StateStore<Memory>;
  readonly problems: Problems;
  readonly log: Log;
  readonly redact: (text: string) => string;
  readonly evaluation: () => Evaluation | undefined;
  /** The status has changed. */
  readonly onNews: () => void;
  /** An apply that had to wait may begin. */
  readonly onReady: () => void;
}

/** An apply that waits until the database has what the code on disk needs. */
interface Wish {
  readonly evaluation: Evaluation;
  /** Digest of what was asked for when the apply came up; if that changes, the wish is void. */
  readonly asked: string | undefined;
}

/**
 * Prepares and migrates Mastodon's database: before web and sidekiq are started with code that needs it, and in the
 * background once no old code runs any more. It never holds up the loop: an apply that has to wait is retried when the
 * bell rings.
 */
export class DatabaseKeeper {
  readonly #context: DatabaseContext;
  readonly #bell = new Bell();
  #wish: Wish | undefined;
  /** Of the code on disk, at the last apply. */
  #codeOnDisk: string | undefined;
  readonly #report: DatabaseReport;
  readonly #turn: DatabaseTurn;

  constructor(context: DatabaseContext) {
    this.#context = context;
    this.#report = new DatabaseReport(context);
    this.#turn = new DatabaseTurn({
      ...context,
      report: this.#report,
      look: (evaluation, signal) => this.#look(evaluation, signal),
      isStillAsked: ({ desired }) => this.#subject()?.desired?.digest === desired?.digest,
    });
  }

  /** Null if the agent does not manage the database. */
  get status(): MigrationStatus | null {
    return this.#context.options.config.database === undefined ? null : this.#report.status;
  }

  /** Why web and sidekiq are not started or reloaded although they should be. */
  get obstacle(): Pick<MigrationStatus, "state" | "reason"> | undefined {
    return this.#wish && this.#report.status;
  }

  /**
   * Whether an apply may begin. A failover of running units is never held up. If the answer is no, the database is
   * taken care of, and `onReady` is called when that is done.
   */
  async mayApply(evaluation: Evaluation, { actions }: Plan, urgent: boolean): Promise<boolean> {
    const { options, store } = this.#context;
    const concerned = actions.filter(({ unit }) => DATABASE_UNITS.includes(unit.name));
    if (options.config.database === undefined || concerned.length === 0) return true;
    this.#codeOnDisk = await codeIn(options);
    const isFailover = urgent && concerned.some(({ was }) => was !== "stopped");
    const known = store.read().database;
    const isReady = known?.place === placeOf(evaluation.merged) && known.code === this.#codeOnDisk;
    const wish = { evaluation, asked: this.#context.evaluation()?.desired?.digest };
    const isNew = !isSameWish(this.#wish, wish);
    if (isFailover || isReady) this.#wish = undefined;
    else if (isNew) {
      this.#wish = wish;
      this.#bell.ring();
    }
    return isFailover || isReady;
  }

  /** Records which code the units have been running since an apply. */
  async changed({ outcome, actions }: Pick<Change, "outcome" | "actions">): Promise<void> {
    const units = actions.map(({ unit }) => unit).filter((unit) => DATABASE_UNITS.includes(unit));
    if (this.#codeOnDisk === undefined || outcome === "refused" || units.length === 0) return;
    // If it failed, some may have been reloaded and some not.
    const code = outcome === "applied" ? this.#codeOnDisk : "";
    await this.#note((memory) => withCode(memory, units, code));
    this.#bell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.#lookAndAct(signal);
      await this.#bell.wait(waitMs && steadyMs() + waitMs, steadyMs(), signal);
    }
  }

  async #lookAndAct(signal: AbortSignal): Promise<number | undefined> {
    if (this.#context.options.config.database === undefined) return undefined;
    try {
      const evaluation = this.#subject();
      if (evaluation === undefined) return LOOK_EAGERLY_MS;
      if (await this.#isComplete(evaluation)) return LOOK_EVERY_MS;
      const scene = await this.#look(evaluation, signal);
      return await this.#act(decide(scene), scene, evaluation, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      this.#report.complain(complaintOf(error), "database_not_prepared");
      return this.#wish === undefined ? LOOK_EVERY_MS : LOOK_EAGERLY_MS;
    }
  }

  /** Which database is examined: that of the waiting apply, or the one in force. None while changes are held. */
  #subject(): Evaluation | undefined {
    const { evaluation: newest, store } = this.#context;
    const now = newest();
    if (now?.desired === undefined || now.kv.hold !== undefined) return undefined;
    if (this.#wish !== undefined && this.#wish.asked !== now.desired.digest) this.#wish = undefined;
    if (this.#wish !== undefined) return this.#wish.evaluation;
    return now.desired.digest === store.read().applied?.digest ? now : undefined;
  }

  async #isComplete({ merged }: Evaluation): Promise<boolean> {
    const { options, store } = this.#context;
    const known = store.read().database;
    if (this.#wish !== undefined || known?.isComplete !== true || known.place !== placeOf(merged))
      return false;
    if (known.code !== (await codeIn(options))) return false;
    this.#report.pending({ before: 0, after: 0 });
    this.#report.ready();
    return true;
  }

  async #look(evaluation: Evaluation, signal: AbortSignal): Promise<Scene> {
    const { options, client, store } = this.#context;
    const memory = store.read();
    return lookAround({ options, client, memory, evaluation, isWanted: this.#wish !== undefined }, signal);
  }

  async #act(
    decision: Decision,
    scene: Scene,
    evaluation: Evaluation,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    this.#report.pending(pendingOf(scene));
    switch (decision.kind) {
      case "ready":
        return this.#ready(decision, scene, evaluation);
      case "wait":
        this.#report.complain(decision.complaint, databaseProblem(scene));
        return scene.isWanted ? LOOK_EAGERLY_MS : LOOK_EVERY_MS;
      case "run":
        return this.#runInTurn(decision.steps, scene, evaluation, signal);
    }
  }

  async #ready(
    { isComplete, waiting }: Extract<Decision, { kind: "ready" }>,
    scene: Scene,
    evaluation: Evaluation,
  ): Promise<number> {
    const { place, migrations, record } = scene;
    if (record !== undefined) await this.#announce(scene, evaluation);
    const database = {
      place,
      code: migrations.digest,
      // What other nodes must know about this one has not been published yet.
      isComplete: isComplete && record !== undefined,
    };
    await this.#note((memory) => ({ ...memory, database }));
    this.#turn.end();
    this.#report.ready(waiting);
    if (this.#wish !== undefined) this.#context.onReady();
    return LOOK_EVERY_MS;
  }

  /** Tells the other nodes which code runs here, and that from now on there is a database that must not be empty. */
  async #announce({ running, record, node }: Scene, { merged }: Evaluation): Promise<void> {
    const { client } = this.#context;
    const domain = domainOf(merged);
    if (record?.state === "none") await writeDatabaseState(client, domain, "prepared", node);
    if (record?.nodes.get(node) !== running) await writeNodeCode(client, domain, node, running);
  }

  async #runInTurn(
    steps: readonly DatabaseStep[],
    scene: Scene,
    evaluation: Evaluation,
    signal: AbortSignal,
  ): Promise<number> {
    if (!scene.isWanted) await this.#announce(scene, evaluation);
    const turned = await this.#turn.run(steps, scene, evaluation, signal);
    if (turned === "done" && !scene.isWanted && steps.includes("before")) {
      await this.#note(withStaleUnits);
      this.#context.onReady();
    }
    return LOOK_AFTER_MS[turned];
  }

  /** What could not be written is still in memory, and determined again at the next start. */
  async #note(change: (memory: Memory) => Memory): Promise<void> {
    await this.#context.store.update(change).catch(() => {});
  }
}

async function codeIn({ config }: Options): Promise<string | undefined> {
  return migrationsIn(config.paths.mastodon).then(
    ({ digest }) => digest,
    () => undefined,
  );
}

function pendingOf({ schema, migrations }: Scene): PendingMigrations | null {
  return schema.kind === "migrated" ? pendingIn(migrations, schema.versions) : null;
}

function isSameWish(one: Wish | undefined, other: Wish): boolean {
  return one?.asked === other.asked && one?.evaluation.desired?.digest === other.evaluation.desired?.digest;
}

function complaintOf(error: unknown): Complaint {
  if (isAgentError(error)) return error.complaint;
  if (error instanceof ConsulError) return { where: "Consul", what: error.message, cure: CONSUL };
  return { where: "database", what: messageOf(error), cure: "The agent tries again." };
}
