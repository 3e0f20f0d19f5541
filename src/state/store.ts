/** What must survive a restart of the agent, in one file of the state directory; the caller defines its shape. */
import { chmod, mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type * as z from "zod";
import { denied } from "../base/access.ts";
import { type Complaint, codeOf, Misconfigured, messageOf, type TryAgain } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { isFull, replace, writeTemporary } from "./durable.ts";
import { type Persisted, Writes } from "./persisted.ts";

/** Where a directory's state is. */
export function stateFileIn(directory: string): string {
  return join(directory, "state.json");
}

export interface StateStore<T> extends Persisted {
  /** The complaint about the file when it was opened: it could not be used and was moved aside. */
  readonly complaint: Complaint | undefined;
  read(): T;
  /**
   * Changes the state; when the promise resolves the change is on disk. Changes made during a write share the next
   * write. What is already in the file is not written.
   * @throws TryAgain when it cannot be written: `read()` still has the change, and the next update or flush tries to
   * write it again.
   */
  update(change: (state: T) => T): Promise<void>;
}

/**
 * Opens (and makes, 0700) the state directory. A file that does not match this schema, such as another version's, is
 * moved aside and the state starts empty, which only costs one reload of each unit. A full disk is no reason not to
 * start: a site must come up, and fail over, even then.
 * @param schema must accept what it returns: the state is stored as it is.
 * @param onTrouble called when `trouble` changes
 * @throws Misconfigured when the directory cannot be made, read or written.
 */
export async function openState<T>(
  directory: string,
  schema: z.ZodType<T>,
  empty: T,
  onTrouble: () => void = () => {},
): Promise<StateStore<T>> {
  const path = stateFileIn(directory);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    const found = await load(path, schema);
    const store = new Store(path, found.state ?? empty, found, onTrouble);
    await store.flush().catch((error: TryAgain) => {
      if (!isFull(error.cause)) throw error.cause;
    });
    return store;
  } catch (error) {
    throw unusable(directory, error);
  }
}

/**
 * The state as a running agent last wrote it, for read-only callers; undefined if there is no usable one.
 * @throws Misconfigured for an unreadable one: that is not the same as none
 */
export async function readState<T>(directory: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const path = stateFileIn(directory);
  try {
    return schema.safeParse(parseJson(await readFile(path, "utf8"))).data;
  } catch (error) {
    if (codeOf(error) !== "EACCES") return undefined;
    throw new Misconfigured(denied(path), { cause: error });
  }
}

interface Found<T> {
  readonly state: T | undefined;
  readonly text: string | undefined;
  readonly complaint: Complaint | undefined;
}

async function load<T>(path: string, schema: z.ZodType<T>): Promise<Found<T>> {
  const text = await readFile(path, "utf8").catch(missingIsUndefined);
  if (text === undefined) return { state: undefined, text, complaint: undefined };
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return { state: parsed.data, text, complaint: undefined };
  return { state: undefined, text: undefined, complaint: await moveAside(path) };
}

function missingIsUndefined(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}

/** The content may hold secrets: it keeps its mode, and none of it is quoted. */
async function moveAside(path: string): Promise<Complaint> {
  const aside = `${path}.corrupt-${new Date().toISOString().replaceAll(":", "")}`;
  await rename(path, aside);
  return {
    where: path,
    what: `the state file is damaged or from another version; it was set aside as ${aside}`,
    cure: "Nothing to do: each unit is reloaded once. Delete that file when you no longer need it.",
  };
}

function unusable(directory: string, cause: unknown): Misconfigured {
  return new Misconfigured(
    {
      where: directory,
      what: `the state directory cannot be used (${messageOf(cause)})`,
      cure: "Make it a directory that belongs to the agent's user, on storage that is writable and not full.",
    },
    { cause },
  );
}

class Store<T> implements StateStore<T> {
  readonly complaint: Complaint | undefined;
  readonly #path: string;
  readonly #writes: Writes;
  #state: T;
  #onDisk: string | undefined;
  #lastWrite: Promise<void> = Promise.resolve();
  #nextWrite: Promise<void> | undefined;

  constructor(path: string, state: T, { text, complaint }: Found<T>, onTrouble: () => void) {
    this.complaint = complaint;
    this.#path = path;
    this.#state = state;
    this.#onDisk = text;
    this.#writes = new Writes(dirname(path), "the state", onTrouble);
  }

  get trouble(): TryAgain | undefined {
    return this.#writes.trouble;
  }

  read(): T {
    return this.#state;
  }

  update(change: (state: T) => T): Promise<void> {
    this.#state = change(this.#state);
    return this.flush();
  }

  flush(): Promise<void> {
    this.#nextWrite ??= this.#lastWrite.then(() => this.#write());
    return this.#nextWrite;
  }

  #write(): Promise<void> {
    const text = `${JSON.stringify(this.#state, undefined, 2)}\n`;
    const written = this.#writes.run(() => this.#persist(text));
    this.#nextWrite = undefined;
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #persist(text: string): Promise<void> {
    if (text === this.#onDisk) return;
    await replace(await writeTemporary(this.#path, text, { mode: 0o600 }), this.#path);
    this.#onDisk = text;
  }
}
