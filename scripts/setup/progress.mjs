// What is being done and for how long: one line that is updated on a terminal, plain lines elsewhere.

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TERMINAL_INTERVAL_MS = 100;
/** Elsewhere a long step shows that it still lives. */
const PLAIN_INTERVAL_MS = 15_000;

export class Progress {
  #title;
  #terminal = process.stderr.isTTY === true && process.env.CI === undefined;
  #startedAt = Date.now();
  #detail = "";
  #frame = 0;
  #timer;

  constructor(title) {
    this.#title = title;
    if (!this.#terminal) this.#line(`${title} ...`);
    const interval = this.#terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    this.#timer = setInterval(() => this.#tick(), interval);
  }

  /** The newest line of what the running program says. A property, because it is handed on. */
  detail = (line) => {
    if (line.trim() !== "") this.#detail = line.trim();
  };

  /** A line that stays. */
  say(text) {
    this.#line(text);
  }

  succeed() {
    clearInterval(this.#timer);
    this.#line(`${this.#terminal ? "\x1b[32m✓\x1b[0m " : ""}${this.#title}: done in ${this.#seconds()} s`);
  }

  fail(message) {
    clearInterval(this.#timer);
    this.#line(
      `${this.#terminal ? "\x1b[31m✗\x1b[0m " : ""}${this.#title}: failed after ${this.#seconds()} s`,
    );
    process.stderr.write(`${message}\n`);
  }

  #tick() {
    if (!this.#terminal) {
      this.#line([`${this.#title}: ${this.#seconds()} s`, this.#detail].filter(Boolean).join(", "));
      return;
    }
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const text = `${FRAMES[this.#frame]} ${this.#title} ${this.#seconds()} s  `;
    const room = (process.stderr.columns ?? 80) - text.length - 1;
    process.stderr.write(`\r\x1b[K${text}\x1b[2m${this.#detail.slice(0, Math.max(0, room))}\x1b[0m`);
  }

  #line(text) {
    process.stderr.write(this.#terminal ? `\r\x1b[K${text}\n` : `setup: ${text}\n`);
  }

  #seconds() {
    return ((Date.now() - this.#startedAt) / 1000).toFixed(1);
  }
}
