import type { ServerResponse } from "node:http";
import type { Views } from "../http.ts";
import type { Section, Sections } from "./sections.ts";

const MOST_STREAMS = 32;
const BEAT_MS = 15_000;
/** A reader this far behind is not reading: it is disconnected, and may reconnect. */
const BEHIND_BYTES = 4 * 1024 * 1024;
const RECONNECT_MS = 1000;

/** Server-sent events to every open page. While there is none, nothing is computed and no timer runs. */
export class Streams {
  readonly #views: Views;
  readonly #sections: Sections;
  /** The digest of each section that a reader has. */
  readonly #readers = new Map<ServerResponse, Map<string, string>>();
  #release: (() => void) | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(views: Views, sections: Sections) {
    this.#views = views;
    this.#sections = sections;
  }

  get isFull(): boolean {
    return this.#readers.size >= MOST_STREAMS;
  }

  add(response: ServerResponse): void {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-accel-buffering": "no",
    });
    response.write(`retry: ${RECONNECT_MS}\n\n`);
    response.on("error", () => {});
    response.once("close", () => this.#remove(response));
    this.#readers.set(response, new Map());
    this.#release ??= this.#begin();
    this.#write(response, beat(this.#views));
    this.#update();
  }

  #begin(): () => void {
    const unsubscribe = this.#views.notice.subscribe(() => this.#update());
    const heart = setInterval(() => {
      for (const response of this.#readers.keys()) this.#write(response, beat(this.#views));
      // The time of the last look is shown, but a change of it alone sends no update.
      this.#update();
    }, BEAT_MS);
    return () => {
      unsubscribe();
      clearInterval(heart);
    };
  }

  #remove(response: ServerResponse): void {
    this.#readers.delete(response);
    if (this.#readers.size > 0) return;
    this.#release?.();
    this.#release = undefined;
  }

  /** One update after the other, so that no reader ends up with an older one. */
  #update(): void {
    this.#last = this.#last.then(() => this.#send());
  }

  /** A rendering that fails is a bug; the agent goes on, and it shows when the page is requested again. */
  async #send(): Promise<void> {
    try {
      const sections = await this.#sections.now();
      for (const [response, has] of this.#readers) {
        for (const section of sections) this.#tell(response, has, section);
      }
    } catch {
      for (const response of this.#readers.keys()) response.destroy();
    }
  }

  #tell(response: ServerResponse, has: Map<string, string>, { id, html, digest }: Section): void {
    if (has.get(id) === digest) return;
    has.set(id, digest);
    this.#write(response, event("section", { id, digest, html: html.text }));
  }

  #write(response: ServerResponse, text: string): void {
    if (response.writableLength > BEHIND_BYTES) response.destroy();
    else response.write(text);
  }
}

/** Says that the connection is alive, which agent it is, and what time it is there. */
function beat({ status }: Views): string {
  return event("beat", { version: status().version, now: new Date().toISOString() });
}

/** JSON is one line, as an event's data must be. */
function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
