import { type FileHandle, open } from "node:fs/promises";
import type { Log } from "../report/log.ts";

const TRUNCATE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** A client that cannot join says the same thing for hours. */
const REPEAT_MS = 10 * 60_000;
const REMEMBERED_LINES = 500;

/** One line of `consul agent`: `    2026-11-24T10:00:00.000Z [WARN]  agent: text`. */
const LINE = /^\s*\S+Z? \[(TRACE|DEBUG|INFO|WARN|ERR|ERROR)\]\s+(.*)$/;
/** Its routine is in its own file; here is what somebody may have to act on. */
const LEVELS = {
  TRACE: "debug",
  DEBUG: "debug",
  INFO: "debug",
  WARN: "warn",
  ERR: "warn",
  ERROR: "warn",
} as const;

/**
 * Follows the file that the Consul client logs to, from its current end. A file and not a pipe, because the client
 * outlives the agent; it is truncated when it has grown, which is safe because the client appends.
 */
export class ClientLog implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #log: Log;
  readonly #hear: (line: string) => void;
  readonly #said = new Map<string, number>();
  #offset: number;
  #rest = "";
  #lastLine = "";

  private constructor(file: FileHandle, offset: number, log: Log, hear: (line: string) => void) {
    this.#file = file;
    this.#offset = offset;
    this.#log = log;
    this.#hear = hear;
  }

  static async open(path: string, log: Log, hear: (line: string) => void): Promise<ClientLog> {
    const file = await open(path, "a+", 0o600);
    return new ClientLog(file, (await file.stat()).size, log, hear);
  }

  /** What the client's streams are connected to. */
  get fd(): number {
    return this.#file.fd;
  }

  /** The newest line that is not empty. */
  get lastLine(): string {
    return this.#lastLine;
  }

  /** Passes on the lines that are new. */
  async read(): Promise<void> {
    const { size } = await this.#file.stat();
    // Somebody else has truncated it.
    if (size < this.#offset) this.#offset = 0;
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, CHUNK_BYTES, this.#offset);
      if (bytesRead === 0) break;
      this.#offset += bytesRead;
      this.#take(buffer.toString("utf8", 0, bytesRead));
    }
    if (this.#offset < TRUNCATE_BYTES) return;
    await this.#file.truncate(0);
    this.#offset = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#pass(line);
  }

  #pass(line: string): void {
    const text = line.trim();
    if (text === "" || text === '"') return;
    this.#lastLine = text;
    this.#hear(line);
    const [, name, said] = LINE.exec(line) ?? [];
    const level = isLevel(name) ? LEVELS[name] : "debug";
    this.#log[this.#isRepeated(said ?? text) ? "debug" : level]({ line: said ?? text }, "consul");
  }

  #isRepeated(text: string): boolean {
    const nowMs = performance.now();
    const before = this.#said.get(text);
    if (before !== undefined && nowMs - before < REPEAT_MS) return true;
    this.#said.delete(text);
    this.#said.set(text, nowMs);
    const [oldest] = this.#said.keys();
    if (this.#said.size > REMEMBERED_LINES && oldest !== undefined) this.#said.delete(oldest);
    return false;
  }
}

function isLevel(name: string | undefined): name is keyof typeof LEVELS {
  return name !== undefined && name in LEVELS;
}
