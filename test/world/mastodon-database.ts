import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { checkout, program } from "./programs.ts";

/** One call of `bin/rails`. */
export interface RailsRun {
  readonly task: string;
  /** Whether post-deployment migrations were left out. */
  readonly skips: boolean;
  /** How often web had booted before. */
  readonly webBoots: number;
  readonly pid: number;
}

/** What is on disk of Mastodon to make and migrate its database: a `bin/rails` and the migrations of a version. */
export interface Rails {
  /** The section `database` of the agent's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Unpacks one more migration; its body is Ruby that may call `sql`. */
  add(kind: "migrate" | "post_migrate", version: string, body: string): Promise<void>;
  runs(): Promise<readonly RailsRun[]>;
}

const runSchema = z.object({ task: z.string(), skips: z.boolean(), webBoots: z.number(), pid: z.number() });

/** @param folder Mastodon's */
export async function prepareRails(folder: string): Promise<Rails> {
  const script = join(checkout(), "test", "world", "mastodon", "rails.rb");
  const executable = join(folder, "bin", "rails");
  await mkdir(join(folder, "bin"), { recursive: true });
  for (const kind of ["migrate", "post_migrate"]) await mkdir(join(folder, "db", kind), { recursive: true });
  await writeFile(executable, `#!/bin/sh\nexec ${program("ruby")} '${script}' "$@"\n`);
  await chmod(executable, 0o755);
  const add: Rails["add"] = (kind, version, body) =>
    writeFile(join(folder, "db", kind, `${version}_change.rb`), `${body}\n`);
  await add("migrate", "20160101000000", 'sql "create table notes (text text)"');
  await add("post_migrate", "20160102000000", 'sql "create table if not exists later (text text)"');
  const rails = (task: string, ...variables: readonly string[]) => ["env", ...variables, "bin/rails", task];
  return {
    config: {
      prepare: rails("db:migrate:setup"),
      seed: rails("db:seed"),
      before: rails("db:migrate", "SKIP_POST_DEPLOYMENT_MIGRATIONS=true"),
      after: rails("db:migrate"),
    },
    add,
    runs: async () => {
      const text = await readFile(join(folder, "log", "rails.runs"), "utf8").catch(() => "");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => runSchema.parse(JSON.parse(line)));
    },
  };
}
