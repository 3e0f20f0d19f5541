/** What Mastodon's code wants of its database: the migrations that lie in its folder. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { digest } from "../base/digest.ts";
import { Misconfigured, messageOf } from "../base/errors.ts";

/** Versions, as Rails keeps them in `schema_migrations`. */
export interface Migrations {
  /** To be run before the new code is. */
  readonly before: readonly string[];
  /** To be run when no old code runs any more. */
  readonly after: readonly string[];
  /** Of both: code with the same migrations can run side by side. */
  readonly digest: string;
}

/** How many of each the database does not have yet. */
export interface PendingMigrations {
  readonly before: number;
  readonly after: number;
}

/** @throws Misconfigured where Mastodon's folder has none: that is no database without wishes, but no Mastodon */
export async function migrationsIn(mastodon: string): Promise<Migrations> {
  const [before, after] = [await versionsIn(mastodon, "migrate"), await versionsIn(mastodon, "post_migrate")];
  if (before.length === 0) throw nothingThere(join(mastodon, "db", "migrate"), "no migrations are there");
  return { before, after, digest: digest(JSON.stringify([before, after])) };
}

/** Rails' own measure: what is in the folder and not in the table. */
export function pendingIn({ before, after }: Migrations, done: ReadonlySet<string>): PendingMigrations {
  const missing = (versions: readonly string[]) => versions.filter((version) => !done.has(version)).length;
  return { before: missing(before), after: missing(after) };
}

/** The names are `<version>_<name>.rb`, with more words in the name of some. */
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
    "Say where Mastodon is (paths.mastodon), or take the section database out of the configuration (database: null).";
  return new Misconfigured({ where, what, cure });
}
