/** A burst is announced once, after its end: listeners then take no time from the work in progress. */
const COALESCE_MS = 60;

/** Tells listeners that something has changed. It carries no content: listeners look for themselves. */
export class Notice {
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @returns a function that removes the listener */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(): void {
    this.#timer ??= setTimeout(() => this.#tellAll(), COALESCE_MS).unref();
  }

  #tellAll(): void {
    this.#timer = undefined;
    for (const listener of this.#listeners) listener();
  }
}
