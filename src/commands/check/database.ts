/** What Mastodon's database still needs before its units are started, as the agent would find it. */
import { postgresTargetOf } from "../../agent/probes.ts";
import { migrationsIn, pendingIn } from "../../apply/migrations.ts";
import { accountOf } from "../../apply/ownership.ts";
import type { Options } from "../../options.ts";
import { lookAtSchema } from "../../probe/schema.ts";
import { deriveEndpoint } from "../../settings/derive.ts";
import type { Merged } from "../../settings/merge.ts";
import { targetOf } from "../../settings/targets.ts";
import type { Inspection, Warning } from "./inspection.ts";

const TIMEOUT_MS = 5000;

export function databaseInspections({ config }: Options, merged: Merged): readonly Inspection[] {
  if (config.database === undefined || deriveEndpoint("postgres", merged) === undefined) return [];
  const { user } = config.database;
  const inspect = async () => {
    if (user !== undefined) await accountOf(user, "database.user");
    return inspectMigrations(config.paths.mastodon, merged);
  };
  return [["database", inspect]];
}

/** @throws Misconfigured where Mastodon has no migrations */
async function inspectMigrations(mastodon: string, merged: Merged): Promise<string | Warning> {
  const migrations = await migrationsIn(mastodon);
  const target = postgresTargetOf(targetOf("postgres", merged));
  const { signal } = new AbortController();
  const schema = await lookAtSchema(target, { timeoutMs: TIMEOUT_MS, signal });
  const where = `database ${target.database}`;
  switch (schema.kind) {
    case "unavailable":
      return { warning: { where, what: `it ${schema.reason}`, cure: "See the line of postgres." } };
    case "busy":
      return "somebody is migrating it";
    case "empty":
      return "it is empty, and will be prepared before web and sidekiq are started";
    case "foreign":
      return {
        warning: {
          where,
          what: "it has tables, but not Mastodon's list of migrations",
          cure: "Wait until your backup is restored, or give Mastodon its own database (DBNAME).",
        },
      };
    case "migrated": {
      const { before, after } = pendingIn(migrations, schema.versions);
      if (before + after === 0) return "it has every migration of the code on disk";
      return `${before} migrations are missing for the code on disk, and ${after} for later: see docs/database.md`;
    }
  }
}
