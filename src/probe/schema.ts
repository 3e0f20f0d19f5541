/**
 * What Mastodon's database contains, asked as Mastodon would. It is never changed here, and silence never counts as
 * empty.
 */
import { crc32 } from "node:zlib";
import * as z from "zod";
import { type Limits, look } from "./look.ts";
import type { PostgresTarget } from "./postgres.ts";
import { type ProbeResult, WRITABLE } from "./result.ts";

export type Schema =
  /** It does not answer, or must not be written to. The reason completes the sentence "the database ...". */
  | { readonly kind: "unavailable"; readonly reason: string; readonly cure?: string }
  /** Somebody is migrating it, perhaps somebody else. */
  | { readonly kind: "busy" }
  /** No migration has been run, and nothing else is there. */
  | { readonly kind: "empty" }
  /** There are tables, but none that lists migrations. */
  | { readonly kind: "foreign" }
  | { readonly kind: "migrated"; readonly versions: ReadonlySet<string> };

const TABLES = `exists (select from pg_class join pg_namespace n on n.oid = relnamespace
  where relkind in ('r', 'p') and nspname !~ '^pg_' and nspname <> 'information_schema')`;
const outline = z.tuple([z.object({ isListed: z.boolean(), hasTables: z.boolean(), isLocked: z.boolean() })]);
const VERSIONS = "select version from schema_migrations";
const versionRows = z.array(z.object({ version: z.string() }));

export async function lookAtSchema(target: PostgresTarget, limits: Limits): Promise<Schema> {
  let schema: Schema | undefined;
  const result = await look(limits, async (signal) => {
    const { askPostgres, explainPostgres, lookAtPostgres } = await import("./postgres.ts");
    const found = await lookAtPostgres(target, signal);
    if (found.kind !== "writable") return found;
    try {
      schema = await ask((question) => askPostgres(target, question, signal), target.database);
      return WRITABLE;
    } catch (error) {
      return explainPostgres(error, target);
    }
  });
  return schema !== undefined && result.kind === "writable" ? schema : unavailable(result);
}

async function ask(query: (question: string) => Promise<unknown>, database: string): Promise<Schema> {
  const [{ isListed, hasTables, isLocked }] = outline.parse(await query(outlineQuestion(database)));
  if (isLocked) return { kind: "busy" };
  if (!isListed) return { kind: hasTables ? "foreign" : "empty" };
  const versions = versionRows.parse(await query(VERSIONS)).map(({ version }) => version);
  return versions.length === 0 ? { kind: "empty" } : { kind: "migrated", versions: new Set(versions) };
}

/**
 * Rails lets only one migrate at a time with an advisory lock, whose number is a salt times the checksum of the
 * database's name (ActiveRecord::Migrator). pg_locks shows its halves.
 */
function outlineQuestion(database: string): string {
  const lock = 2053462845n * BigInt(crc32(database));
  return `select to_regclass('schema_migrations') is not null as "isListed", ${TABLES} as "hasTables",
    exists (select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and classid = ${lock >> 32n} and objid = ${lock & 0xffffffffn}) as "isLocked"`;
}

function unavailable(result: ProbeResult): Schema {
  if (result.kind === "writable") return { kind: "unavailable", reason: "did not answer" };
  const { reason, cure } = result;
  return { kind: "unavailable", reason, ...(cure !== undefined && { cure }) };
}
