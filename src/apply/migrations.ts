/** What Mastodon's code expects of its database: the migrations in its folder. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { digest } from "../base/digest.ts";
import { Misconfigured, messageOf } from "../base/errors.ts";

/** Versions, as Rails keeps them in `schema_migrations`. */
export interface Migrations {
  /** To be run before the new code. */
  readonly before: readonly string[];
  /** To be run once no old code runs any more. */
  readonly after: readonly string[];
  /** Of both: versions with the same migrations can run side by side. */
  readonly digest: string;
}

/** How many of each the database lacks. */
export interface PendingMigrations {
  readonly before: number;
  readonly after: number;
}

/** @throws Misconfigured if Mastodon's folder has none: then it is not Mastodon */
export async function migrationsIn(mastodon: string): Promise<Migrations> {
  const [before, after] = [await versionsIn(mastodon, "migrate"), await versionsIn(mastodon, "post_migrate")];
  if (before.length === 0) throw nothingThere(join(mastodon, "db", "migrate"), "there are no migrations");
  return { before, after, digest: digest(JSON.stringify([before, after])) };
}

/** Rails' own measure: what is in the folder and not in the table. */
export function pendingIn({ before, after }: Migrations, done: ReadonlySet<string>): PendingMigrations {
  const missing = (versions: readonly string[]) => versions.filter((version) => !done.has(version)).length;
  return { before: missing(before), after: missing(after) };
}

/** The names are `<version>_<name>.rb`, some with more parts. */
async function versionsIn(mastodon: string, name: string): Promise<readonly string[]> {
  const folder = join(mastodon, "db", name);
  try {
    const names = await readdir(folder);
    const versions = names.flatMap((file) => /^0*(\d+)_[\w.]*\.rb$/.exec(file)?.[1] ?? []);
    return versions.toSorted();
  } catch (error) {
    throw nothingThere(folder, `it cannot be read (${messageOf(error)})`);
  }
}

function nothingThere(where: string, what: string): Misconfigured {
  const cure =
    "Say where Mastodon is (paths.mastodon), or switch the section database off in the configuration (database: null).";
  return new Misconfigured({ where, what, cure });
}
