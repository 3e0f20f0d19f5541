import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import { syslogFrame } from "./syslog.ts";

/** Where lines go, and this node's name in them. */
export interface SyslogTarget {
  readonly host: string;
  readonly port: number;
  readonly node: string;
}

/** A few thousand lines. This machine's log has them in any case. */
const KEPT_CHARACTERS = 1_000_000;
const CONNECT_MS = 5000;
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** The time for the last lines when the agent ends. */
const FAREWELL_MS = 1000;

/**
 * Sends the log lines to a syslog server over TCP. Writing never waits and never fails: what cannot be sent yet is
 * kept, up to a limit, beyond which the oldest lines are dropped. It outlives the agent's rounds, so SIGHUP loses
 * nothing.
 */
export class SyslogRelay implements AsyncDisposable {
  readonly #pid: number;
  /** `later`: not known yet, so lines are kept for it. */
  #target: SyslogTarget | "later" | "nowhere" = "later";
  #queue: string[] = [];
  #queued = 0;
  #lost = 0;
  #round = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #trouble: string | undefined;

  /** Called when `trouble` has changed. */
  onChange: () => void = () => {};

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Why lines do not arrive; undefined while they do, or if they go nowhere. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** From now on lines go there; undefined: nowhere, and the kept lines are dropped. */
  aim(target: SyslogTarget | undefined): void {
    const next = target ?? "nowhere";
    if (JSON.stringify(next) === JSON.stringify(this.#target)) return;
    this.#round.abort();
    this.#round = new AbortController();
    this.#target = next;
    this.#become(undefined);
    if (next === "nowhere") this.#forget();
    else this.#running = this.#run(next, this.#running, this.#round.signal);
  }

  write(line: string): void {
    if (this.#target === "nowhere") return;
    this.#queue.push(line);
    this.#queued += line.length;
    while (this.#queued > KEPT_CHARACTERS) {
      this.#shift();
      this.#lost++;
    }
    this.#wake();
  }

  /** Kept lines are sent if that can be done at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isWorthAWait = typeof this.#target !== "string" && this.#trouble === undefined;
    const end = performance.now() + FAREWELL_MS;
    while (isWorthAWait && this.#queue.length > 0 && performance.now() < end) await sleep(10);
    this.#round.abort();
    await this.#running;
  }

  async #run({ host, port, node }: SyslogTarget, before: Promise<void>, signal: AbortSignal): Promise<void> {
    await before;
    for (let failures = 0; !signal.aborted; ) {
      const socket = connect({ host, port, signal });
      const end = endOf(socket);
      // A closed connection is not a problem yet: the server may have been restarted.
      if (await isConnected(socket, end.signal)) {
        failures = 0;
        this.#become(undefined);
        end.signal.addEventListener("abort", () => this.#wake());
        await this.#send(socket, node, end.signal);
      } else if (!signal.aborted) {
        failures++;
        this.#become(end.reason());
      }
      socket.destroy();
      const pauseMs = Math.min(RETRY_MS * 2 ** Math.max(0, failures - 1), LONGEST_RETRY_MS);
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** A line leaves the queue when the system has taken it; what a server that goes away had not read yet is lost. */
  async #send(socket: Socket, node: string, end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      const lost = this.#lost;
      const line = lost > 0 ? lossOf(lost) : this.#queue[0];
      if (line === undefined) await this.#nextLine();
      else if (!(await isWritten(socket, syslogFrame(line, node, this.#pid), end))) return;
      else if (lost > 0) this.#lost -= lost;
      else if (this.#queue[0] === line) this.#shift();
    }
  }

  async #nextLine(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  #shift(): void {
    this.#queued -= this.#queue.shift()?.length ?? 0;
  }

  #forget(): void {
    this.#queue = [];
    this.#queued = 0;
    this.#lost = 0;
  }

  #become(trouble: string | undefined): void {
    const isNews = trouble !== this.#trouble;
    this.#trouble = trouble;
    if (isNews) this.onChange();
  }
}

/** Aborts when the connection is closed, with the reason. */
function endOf(socket: Socket): { readonly signal: AbortSignal; readonly reason: () => string } {
  const closed = new AbortController();
  let reason = "it closed the connection";
  socket.on("error", (error) => {
    reason = messageOf(error);
  });
  socket.once("close", () => closed.abort());
  return { signal: closed.signal, reason: () => reason };
}

async function isConnected(socket: Socket, end: AbortSignal): Promise<boolean> {
  const giveUp = () => socket.destroy(new Error(`no answer within ${CONNECT_MS / 1000} s`));
  const timer = setTimeout(giveUp, CONNECT_MS);
  try {
    await once(socket, "connect", { signal: end });
    // Unread, the end of the stream would not be noticed; a peer that died silently is noticed after a while.
    socket.resume().setKeepAlive(true, 60_000);
    return true;
  } catch {
    // `once` fails with the error itself, before the connection is closed.
    if (!end.aborted) await once(end, "abort");
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that has meanwhile been closed. */
async function isWritten(socket: Socket, frame: string, end: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.write(frame, (error) => resolve(!error && !end.aborted));
  return promise;
}

function lossOf(lost: number): string {
  const time = new Date().toISOString();
  return JSON.stringify({
    level: "warn",
    time,
    lost,
    msg: "log lines lost while the syslog server was away",
  });
}
