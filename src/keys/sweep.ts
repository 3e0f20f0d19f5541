import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { TEMPORARY_NAME } from "./disk.ts";
import { KEY_FILES } from "./files.ts";
import { type KeyStorage, startedPath } from "./storage.ts";

/** Younger ones may belong to an agent that is creating keys; that takes milliseconds. */
const STALE_MS = 10 * 60_000;

/**
 * Removes what killed agents left beside the keys. Call it only when every key exists and is known to be the pinned
 * one: otherwise a started key might be the only copy. A read-only storage keeps its leftovers.
 */
export async function sweep(storage: KeyStorage): Promise<void> {
  try {
    const started = KEY_FILES.map(({ name }) => startedPath(storage, name));
    const stale = await staleTemporaries(storage.directory);
    await Promise.all([...started, ...stale].map((file) => rm(file, { force: true })));
  } catch {}
}

async function staleTemporaries(directory: string): Promise<readonly string[]> {
  const temporary = (await readdir(directory)).filter((name) => TEMPORARY_NAME.test(name));
  const files = temporary.map((name) => path.join(directory, name));
  const ages = await Promise.all(files.map(async (file) => Date.now() - (await stat(file)).mtimeMs));
  return files.filter((_, index) => (ages[index] ?? 0) > STALE_MS);
}
