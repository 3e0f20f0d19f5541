import { type FSWatcher, readFileSync, watch } from "node:fs";
import path from "node:path";

/** Watches one file through its folder, so that a rename is seen as a reader would see it, without polling. */
export class FileWatch implements Disposable {
  readonly #file: string;
  readonly #watcher: FSWatcher;
  #listener: ((text: string) => void) | undefined;
  /** How often another content came under the final name. */
  renders = 0;
  #text: string;

  constructor(file: string) {
    this.#file = file;
    this.#text = this.#read();
    this.#watcher = watch(path.dirname(file), () => this.#look());
  }

  /** `performance.now()` at which the file first had the line. */
  until(line: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#listener = (text) => {
      if (text.includes(line)) resolve(performance.now());
    };
    this.#listener(this.#read());
    return promise;
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }

  #look(): void {
    const text = this.#read();
    if (text === this.#text) return;
    this.#text = text;
    this.renders += 1;
    this.#listener?.(text);
  }

  #read(): string {
    try {
      return readFileSync(this.#file, "utf8");
    } catch {
      return "";
    }
  }
}
