/** Copies of files that the agent replaces for good, in the state directory. */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, TryAgain } from "../base/errors.ts";
import { replace, writeTemporary } from "./durable.ts";

/** How many of one file are kept. */
const KEPT = 3;

/**
 * Keeps what a file holds, 0600, unless the newest copy holds the same. @returns where the copy is
 * @throws TryAgain when it cannot be written
 */
export async function keepCopy(directory: string, name: string, bytes: Uint8Array): Promise<string> {
  try {
    const copies = await copiesOf(directory, name);
    const newest = copies.at(-1);
    if (newest !== undefined && Buffer.from(bytes).equals(await readFile(newest))) return newest;
    const copy = join(directory, `${name}.${timestamp()}.bak`);
    await replace(await writeTemporary(copy, bytes, { mode: 0o600 }), copy);
    for (const old of copies.slice(0, 1 - KEPT)) await rm(old);
    return copy;
  } catch (cause) {
    const what = `no copy of the file that is there can be kept (${messageOf(cause)}), so it is not replaced`;
    const cure = "Make paths.state a directory with free space that the agent's user may write to.";
    throw new TryAgain({ where: directory, what, cure }, { cause });
  }
}

/** Oldest first: their names hold the time. */
async function copiesOf(directory: string, name: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  const copies = names.filter((each) => each.startsWith(`${name}.`) && each.endsWith(".bak"));
  return copies.sort().map((copy) => join(directory, copy));
}

/** In milliseconds: 20250131T235959.999Z. */
function timestamp(): string {
  return new Date().toISOString().replaceAll(/[-:]/g, "");
}
