/** Says "something has changed" to whoever listens. It carries no content: listeners look for themselves. */
export class Notice {
  readonly #listeners = new Set<() => void>();

  /** @returns takes the listener away again */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
