import { type Migrations, type PendingMigrations, pendingIn } from "../apply/migrations.ts";
import type { Complaint } from "../base/errors.ts";
import type { DatabaseRecord } from "../consul/database-record.ts";
import type { Schema } from "../probe/schema.ts";

/** A command of the configuration. */
export type DatabaseStep = "prepare" | "seed" | "before" | "after";

export interface Scene {
  readonly node: string;
  /** `host:port/name` */
  readonly place: string;
  readonly stateKey: string;
  readonly nodesKey: string;
  /** What an operator types to reload all units of this node. */
  readonly reloadCommand: string;
  readonly schema: Schema;
  /** Of the code on disk. */
  readonly migrations: Migrations;
  /** Of the code that this node's units run with. */
  readonly running: string;
  /** Undefined while Consul cannot be asked. */
  readonly record: DatabaseRecord | undefined;
  /** Units are waiting to be started or reloaded with the code on disk. */
  readonly isWanted: boolean;
}

export type Decision =
  /** The code on disk may be started; `isComplete` if nothing is left for later either. */
  | { readonly kind: "ready"; readonly isComplete: boolean; readonly waiting?: Complaint }
  | { readonly kind: "run"; readonly steps: readonly DatabaseStep[] }
  /** Nothing can be done now; looked at again later. */
  | { readonly kind: "wait"; readonly complaint: Complaint };

/** What to do about a database, given its state. Pure. */
export function decide(scene: Scene): Decision {
  const { schema, place, isWanted, record, stateKey } = scene;
  const where = `database ${place}`;
  switch (schema.kind) {
    case "unavailable":
      return wait(where, `it ${schema.reason}; nothing is run`, schema.cure ?? "The agent keeps asking.");
    case "busy":
      return wait(
        where,
        "somebody is migrating it",
        "Nothing to do: the agent looks again when that is finished.",
      );
    case "foreign":
      return wait(
        where,
        "it has tables, but not Mastodon's list of migrations (schema_migrations), so it is left alone",
        "Wait until your backup is restored, or give Mastodon its own database (DBNAME).",
      );
    case "empty":
      if (record === undefined) return wait(where, "it is empty, and Consul cannot be asked", CONSUL);
      if (record.state === "prepared")
        return wait(where, "it is empty, although the site had one", lost(stateKey));
      if (!isWanted) return wait(where, "it is empty", "It is prepared before web and sidekiq are started.");
      return { kind: "run", steps: record.state === "preparing" ? ["prepare", "seed"] : ["prepare"] };
    case "migrated":
      return migrated(scene, pendingIn(scene.migrations, schema.versions));
  }
}

export const CONSUL =
  "Bring Consul back: one of the nodes prepares or migrates the database, under a lock there.";

function lost(stateKey: string): string {
  return `Restore your backup, or check DBHOST and DBNAME. To start the site from scratch: \`consul kv delete ${stateKey}\``;
}

function migrated(scene: Scene, pending: PendingMigrations): Decision {
  const { isWanted, record, place, running, migrations } = scene;
  const where = `database ${place}`;
  if (record?.state === "preparing" && isWanted) return { kind: "run", steps: ["prepare", "seed"] };
  if (pending.before > 0) {
    // A failover does not wait, so the units may have been reloaded with newly unpacked code.
    if (isWanted || running === migrations.digest) return { kind: "run", steps: ["before"] };
    const what = `the code on disk needs ${pending.before} migrations that the database lacks, and is not started yet`;
    return wait(where, what, `Reload the units; the migrations run before that: \`${scene.reloadCommand}\``);
  }
  if (pending.after === 0) return { kind: "ready", isComplete: true };
  if (isWanted) return { kind: "ready", isComplete: false };
  const behind = record === undefined ? NOT_ASKED : whoIsBehind(scene, record);
  if (behind === undefined) return { kind: "run", steps: ["after"] };
  const what = `${pending.after} post-deployment migrations are waiting: ${behind.what}`;
  return { kind: "ready", isComplete: false, waiting: { where, what, cure: behind.cure } };
}

const NOT_ASKED = { what: "Consul cannot be asked", cure: CONSUL };

/** Code that does not know the post-deployment migrations may still need what they remove. */
function whoIsBehind(
  { node, running, migrations, nodesKey, reloadCommand }: Scene,
  { nodes }: DatabaseRecord,
): Omit<Complaint, "where"> | undefined {
  if (running !== migrations.digest) {
    return {
      what: "this node's units have not been seen to start with the code on disk",
      cure: `Reload them: \`${reloadCommand}\``,
    };
  }
  const behind = [...nodes].filter(([name, code]) => name !== node && code !== migrations.digest);
  if (behind.length === 0) return undefined;
  const names = behind.map(([name]) => name);
  return {
    what: `${names.join(", ")} ${names.length === 1 ? "runs" : "run"} other code`,
    cure: `Upgrade it there and reload its units. If a node is gone for good: \`consul kv delete ${nodesKey}${names[0]}\``,
  };
}

function wait(where: string, what: string, cure: string): Decision {
  return { kind: "wait", complaint: { where, what, cure } };
}
