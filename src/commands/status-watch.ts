/** `status --watch`: asks every second until interrupted. It waits for an agent that is away. */
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, messageOf } from "../base/errors.ts";
import { lastingPart, type Status } from "../report/status.ts";
import type { Io } from "./io.ts";
import { fitted, heightOf } from "./screen/fit.ts";
import { hang } from "./screen/layout.ts";
import { localTime } from "./screen/moment.ts";
import { type Paint, paintFor, printed } from "./screen/paint.ts";
import { screenLines, statusLines } from "./status-view.ts";

const EVERY_MS = 1000;

/** What the last query found; the status is the newest there was. */
interface Seen {
  readonly status: Status | undefined;
  /** Why there is no newer one. */
  readonly away: string | undefined;
  /** What is shown if there was never one. */
  readonly known: readonly string[];
}

export interface Sources {
  ask(signal: AbortSignal): Promise<Status>;
  /** Lines that say what the agent last knew. */
  lastKnown(): Promise<readonly string[]>;
}

export async function watchStatus(
  sources: Sources,
  { json, io }: { readonly json: boolean; readonly io: Io },
): Promise<ExitCode> {
  const end = new AbortController();
  io.onRequest((request) => request === "drain" && end.abort());
  using show = json || !io.isTerminal ? new Report(json, io) : new Picture(io);
  let seen: Seen = { status: undefined, away: undefined, known: [] };
  while (!end.signal.aborted) {
    seen = await look(sources, seen, end.signal);
    if (!end.signal.aborted) show.next(seen);
    await sleep(EVERY_MS, undefined, { signal: end.signal }).catch(() => {});
  }
  return ExitCode.ok;
}

async function look({ ask, lastKnown }: Sources, { status }: Seen, signal: AbortSignal): Promise<Seen> {
  try {
    return { status: await ask(signal), away: undefined, known: [] };
  } catch (error) {
    return { status, away: messageOf(error), known: status === undefined ? await lastKnown() : [] };
  }
}

/** For anything but a terminal: a block, or a JSON line, whenever something changes. */
class Report {
  readonly #json: boolean;
  readonly #io: Io;
  #last = "";

  constructor(json: boolean, io: Io) {
    this.#json = json;
    this.#io = io;
  }

  next({ status, away, known }: Seen): void {
    const now = away ?? fingerprint(status);
    if (now === this.#last) return;
    this.#last = now;
    if (away !== undefined) {
      this.#io.err(`${localTime(new Date().toISOString())} ${awayText(away)}`);
      if (!this.#json) for (const line of known) this.#io.out(line);
    } else if (status !== undefined) this.#print(status);
  }

  #print(status: Status): void {
    for (const line of this.#json ? [JSON.stringify(status)] : this.#block(status)) this.#io.out(line);
  }

  #block(status: Status): readonly string[] {
    const now = new Date();
    const lines = statusLines(status, { paint: paintFor(this.#io), now, width: undefined });
    return [localTime(now.toISOString()), ...lines, ""];
  }

  [Symbol.dispose](): void {}
}

function fingerprint(status: Status | undefined): string {
  return JSON.stringify(status && lastingPart(status));
}

/** On a terminal: redrawn in place. */
class Picture {
  readonly #io: Io;
  readonly #paint: Paint;
  #height = 0;
  #columns = 0;

  constructor(io: Io) {
    this.#io = io;
    this.#paint = paintFor(io);
    io.draw(HIDE_CURSOR);
  }

  next(seen: Seen): void {
    const { columns, rows } = this.#io.size();
    // The cursor is below the last line.
    const lines = fitted(this.#lines(seen, columns), { columns, rows: rows - 1 }, mark);
    // What was folded for another width has moved.
    const back = columns === this.#columns ? up(this.#height) : CLEAR;
    this.#io.draw(
      `${back}${lines.map((line) => `${printed(line, true)}${CLEAR_TO_END}\n`).join("")}${CLEAR_BELOW}`,
    );
    this.#height = heightOf(lines, columns);
    this.#columns = columns;
  }

  #lines({ status, away, known }: Seen, width: number): readonly string[] {
    const { dim, red } = this.#paint;
    const now = new Date();
    const title = `${localTime(now.toISOString())}, every second; Ctrl-C ends it`;
    return [
      dim(title),
      ...(away === undefined ? [] : hang("", red(awayText(away)), width)),
      ...(status === undefined ? known : screenLines(status, { paint: this.#paint, now, width })),
    ];
  }

  [Symbol.dispose](): void {
    this.#io.draw(SHOW_CURSOR);
  }
}

function mark(more: number): string {
  return `... ${more} more ${more === 1 ? "line" : "lines"}: \`mastodon-agent status\` shows all`;
}

function awayText(reason: string): string {
  return `The agent is away; this is its last answer. ${reason}`;
}

/** ECMA-48. */
const [HIDE_CURSOR, SHOW_CURSOR] = ["\x1b[?25l", "\x1b[?25h"];
const [CLEAR, CLEAR_TO_END, CLEAR_BELOW] = ["\x1b[2J\x1b[H", "\x1b[K", "\x1b[J"];

function up(lines: number): string {
  return lines === 0 ? "" : `\x1b[${lines}A\r`;
}
