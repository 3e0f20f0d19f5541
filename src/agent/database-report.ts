import type { PendingMigrations } from "../apply/migrations.ts";
import type { Complaint } from "../base/errors.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import type { MigrationStatus } from "../report/status.ts";
import type { DatabaseStep, Scene } from "./database-decision.ts";
import type { StepReport } from "./database-steps.ts";

const SUBJECT = "Mastodon's database";
const READY = "the database has what the code needs";
const WORK: Readonly<Record<DatabaseStep, string>> = {
  prepare: "the empty database is being set up",
  seed: "the seed data is being added",
  before: "the migrations that the new code needs are running",
  after: "the post-deployment migrations are running",
};

/** Of the problems: units wait for the database, or it waits for them. */
export type DatabaseProblem = "database_not_prepared" | "migrations_pending";

interface ReportOptions {
  readonly problems: Problems;
  readonly onNews: () => void;
}

/** The state of the database, for the status and the problems. */
export class DatabaseReport {
  readonly #options: ReportOptions;
  #status: MigrationStatus = {
    state: "unknown",
    step: null,
    reason: "the database has not been checked yet",
    since: new Date().toISOString(),
    pending: null,
    output: null,
  };

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  get status(): MigrationStatus {
    return this.#status;
  }

  pending(pending: PendingMigrations | null): void {
    this.#tell({ pending });
  }

  /** @param waiting what has to wait even though the code may be started */
  ready(waiting?: Complaint): void {
    this.#replace(waiting === undefined ? [] : [problemOf("migrations_pending", waiting, SUBJECT)]);
    this.#tell({ state: "ready", step: null, reason: waiting?.what ?? READY, output: null });
  }

  /** @param holder who has the turn; null if nobody has it, or it is not known yet */
  waitsForTurn(key: string, holder: string | null): void {
    const who = holder === null ? `the lock is ${key}` : `${holder} has it (${key})`;
    this.#tell({ state: "waiting", reason: `waiting for this node's turn to migrate the database; ${who}` });
  }

  complain(complaint: Complaint, code: DatabaseProblem, state: "waiting" | "failed" = "waiting"): void {
    const problem = problemOf(code, complaint, SUBJECT);
    this.#replace([problem]);
    this.#tell({ state, reason: problem.message });
  }

  progress({ step, output }: StepReport): void {
    this.#replace([]);
    const isNew = this.#status.step !== step;
    const reason = `${step}: ${WORK[step]}`;
    this.#tell({ state: "running", step, reason, output, ...(isNew && { since: new Date().toISOString() }) });
  }

  #replace(current: readonly Complaining[]): void {
    this.#options.problems.replace("database", current);
  }

  #tell(news: Partial<MigrationStatus>): void {
    const isSame = news.state === undefined || news.state === this.#status.state;
    const since = isSame ? this.#status.since : new Date().toISOString();
    const before = JSON.stringify(this.#status);
    this.#status = { ...this.#status, since, ...news };
    if (JSON.stringify(this.#status) !== before) this.#options.onNews();
  }
}

export function databaseProblem({ isWanted, schema }: Scene): DatabaseProblem {
  const isThere = schema.kind === "migrated" || schema.kind === "busy";
  return isThere && !isWanted ? "migrations_pending" : "database_not_prepared";
}
