/**
 * What is remembered about one domain's failed orders, in `<storage>/<domain>/attempt.json`: an agent that is restarted
 * over and over must not run into the authority's limits.
 */
import { rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { makeDirectory, readText } from "../keys/disk.ts";
import { replace, writeTemporary } from "../state/durable.ts";

const schema = z.object({
  /** What it was tried with: with another server or address nothing has failed yet. */
  directory: z.string(),
  email: z.string(),
  failures: z.number(),
  nextMs: z.number(),
  message: z.string(),
});

export type FailedAttempt = z.infer<typeof schema>;

export async function readAttempt(storage: string, domain: string): Promise<FailedAttempt | undefined> {
  try {
    const found = await readText(fileOf(storage, domain));
    return found && schema.parse(JSON.parse(found.text.reveal()));
  } catch {
    return undefined;
  }
}

export async function writeAttempt(storage: string, domain: string, attempt: FailedAttempt): Promise<void> {
  const file = fileOf(storage, domain);
  await makeDirectory(path.dirname(file));
  await replace(await writeTemporary(file, JSON.stringify(attempt), { mode: 0o600 }), file);
}

export async function forgetAttempt(storage: string, domain: string): Promise<void> {
  await rm(fileOf(storage, domain), { force: true });
}

function fileOf(storage: string, domain: string): string {
  return path.join(storage, domain, "attempt.json");
}
