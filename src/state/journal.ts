/** What happened, one JSON line each, in the state directory: bounded, rotated once, readable while the agent is down. */
import { open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as z from "zod";
import { codeOf, type TryAgain } from "../base/errors.ts";
import { syncDirectory } from "./durable.ts";
import { type Persisted, Writes } from "./persisted.ts";

/** Limit of the current file; there is one older file of the same size, so at most twice this is on disk. */
const LIMIT_BYTES = 1024 * 1024;
/** How many entries may wait for room on the disk; beyond that the oldest is dropped. */
const MOST_UNWRITTEN = 1000;

/** Where a directory's journal is written, and where it goes when it is full. */
export function journalFilesIn(directory: string): { readonly current: string; readonly older: string } {
  return { current: join(directory, "journal.jsonl"), older: join(directory, "journal.1.jsonl") };
}

export interface JournalOptions {
  /** Called when `trouble` changes. */
  readonly onTrouble?: () => void;
  readonly limitBytes?: number;
}

/** Writes entries one after the other, each to disk before the next. */
export class Journal<Entry> implements Persisted {
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #writes: Writes;
  #unwritten: readonly Entry[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(directory: string, { onTrouble = () => {}, limitBytes = LIMIT_BYTES }: JournalOptions = {}) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
    this.#writes = new Writes(directory, "the journal", onTrouble);
  }

  get trouble(): TryAgain | undefined {
    return this.#writes.trouble;
  }

  /** What waits for the disk, oldest first. */
  get unwritten(): readonly Entry[] {
    return this.#unwritten;
  }

  /** @throws TryAgain when it cannot be written: the entry waits then for the next append or flush */
  append(entry: Entry): Promise<void> {
    this.#unwritten = [...this.#unwritten, entry].slice(-MOST_UNWRITTEN);
    return this.flush();
  }

  flush(): Promise<void> {
    const written = this.#last.then(() => this.#writes.run(() => this.#writeAll()));
    this.#last = written.catch(() => {});
    return written;
  }

  async #writeAll(): Promise<void> {
    for (const entry of this.#unwritten) {
      await this.#write(`${JSON.stringify(entry)}\n`);
      this.#unwritten = this.#unwritten.filter((other) => other !== entry);
    }
  }

  async #write(line: string): Promise<void> {
    const { current, older } = journalFilesIn(this.#directory);
    const size = await sizeOf(current);
    if (size > 0 && size + Buffer.byteLength(line) > this.#limitBytes) await rename(current, older);
    await using file = await open(current, "a+", 0o600);
    const before = await file.stat();
    try {
      await file.appendFile((await endsInLine(file)) ? line : `\n${line}`);
      await file.sync();
    } catch (error) {
      // A full disk takes half a line, and would take another half at each attempt.
      await file.truncate(before.size).catch(() => {});
      throw error;
    }
    if (size === 0) await syncDirectory(this.#directory);
  }
}

/** The entries that can be read, oldest first. A line that a crash cut off is skipped. */
export async function readJournal<Entry>(
  directory: string,
  schema: z.ZodType<Entry>,
): Promise<readonly Entry[]> {
  const { current, older } = journalFilesIn(directory);
  const texts = await Promise.all([older, current].map((path) => readFile(path, "utf8").catch(nothing)));
  return texts.flatMap((text) => text.split("\n")).flatMap((line) => parsed(line, schema));
}

function nothing(error: unknown): string {
  if (codeOf(error) === "ENOENT") return "";
  throw error;
}

function parsed<Entry>(line: string, schema: z.ZodType<Entry>): readonly Entry[] {
  if (line === "") return [];
  try {
    const { data } = schema.safeParse(JSON.parse(line));
    return data === undefined ? [] : [data];
  } catch {
    return [];
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** After a crash in the middle of a line the next one must not be appended to it. */
async function endsInLine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer.toString() === "\n";
}
