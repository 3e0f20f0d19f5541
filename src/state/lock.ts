/** One agent per state directory: two that write the same files would undo each other for ever. */
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { codeOf, Misconfigured } from "../base/errors.ts";
import { isFull } from "./durable.ts";
import { isAlive, type Process, processOf } from "./process.ts";

const LOCK_FILE = "agent.lock";

/** The start time distinguishes the holder from another program that got its pid after a crash. */
const holderSchema = z.object({ pid: z.number().int().positive(), started: z.string() });
type Holder = z.infer<typeof holderSchema>;

export interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

/**
 * Takes the lock of a state directory, which must exist. A lock whose holder is dead is taken over. Without room for a
 * lock it is enough that nobody holds it: a site that does not come up would be worse than two agents at once.
 * @throws Misconfigured that names the pid of the agent which holds it.
 */
export async function lockState(directory: string): Promise<Lock> {
  const path = join(directory, LOCK_FILE);
  const me = await processOf(process.pid);
  const holder: Holder = { pid: process.pid, started: me?.started ?? "" };
  const other = await take(path, holder).catch((error) => {
    if (!isFull(error)) throw error;
    return liveHolderOf(path);
  });
  if (other !== undefined) throw held(path, other);
  await sweep(directory);
  const release = async () => {
    if (sameHolder(await holderOf(path), holder)) await rm(path, { force: true });
  };
  return { release, [Symbol.asyncDispose]: release };
}

/** The live agent of a state directory, for read-only callers; undefined if none is running. */
export async function holderIn(directory: string): Promise<Pick<Process, "pid"> | undefined> {
  const holder = await holderOf(join(directory, LOCK_FILE));
  if (holder === undefined || holder === "gone") return undefined;
  return (await isAlive(holder)) ? holder : undefined;
}

/**
 * Returns the live holder, or undefined when the lock is ours now. A complete file is linked to the lock's name, which
 * fails if it exists, so nobody ever reads half a lock. Of several that find the same dead holder only the one that
 * gets the lock named after it may replace its file, so a lock that was just taken over is never replaced by one that
 * looked a moment too early.
 */
async function take(path: string, me: Holder): Promise<Holder | undefined> {
  const mine = `${path}.${me.pid}`;
  try {
    await writeFile(mine, JSON.stringify(me), { mode: 0o600 });
    for (;;) {
      if (await linked(mine, path)) return undefined;
      const found = await holderOf(path);
      if (found === "gone") continue;
      if (found !== undefined && (await isAlive(found))) return found;
      const claim = `${path}-of-${found?.pid ?? "nobody"}-${found?.started ?? ""}`;
      const claimer = await take(claim, me);
      if (claimer !== undefined) return claimer;
      try {
        if (!sameHolder(await holderOf(path), found)) continue;
        await rename(mine, path);
        return undefined;
      } finally {
        await rm(claim, { force: true });
      }
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/**
 * Removes what agents left that were killed while they took the lock. One that is trying now finds its claim gone, but
 * checks the lock again before it acts on it.
 */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${LOCK_FILE}.`) && !name.startsWith(`${LOCK_FILE}-of-`)) continue;
    const path = join(directory, name);
    const pid = Number(/\.(\d+)$/.exec(name)?.[1]);
    const holder = Number.isNaN(pid) ? await holderOf(path) : await processOf(pid);
    if (holder === "gone" || (holder !== undefined && (await isAlive(holder)))) continue;
    await rm(path, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function liveHolderOf(path: string): Promise<Holder | undefined> {
  const found = await holderOf(path);
  return found !== undefined && found !== "gone" && (await isAlive(found)) ? found : undefined;
}

/** Undefined: a file that no agent wrote, for instance one emptied by a full disk. */
async function holderOf(path: string): Promise<Holder | undefined | "gone"> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    return codeOf(error) === "ENOENT" ? "gone" : undefined;
  }
}

function sameHolder(one: Holder | undefined | "gone", other: Holder | undefined): boolean {
  if (one === "gone") return false;
  return one?.pid === other?.pid && one?.started === other?.started;
}

function held(path: string, { pid }: Pick<Process, "pid">): Misconfigured {
  return new Misconfigured({
    where: path,
    what: `another mastodon-agent is running with this state directory (pid ${pid})`,
    cure: `Stop it (kill ${pid}), or give this one its own paths.state and its own files.`,
  });
}
