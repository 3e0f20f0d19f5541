/** What comes in a burst is told once, and after it: who looks then takes no time from what is being done. */
const COALESCE_MS = 60;

/** Says "something has changed" to whoever listens. It carries no content: listeners look for themselves. */
export class Notice {
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @returns takes the listener away again */
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
