import pc from "picocolors";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
/** One line up, and cleared. */
const AGAIN = "\x1b[1A\x1b[2K";

export interface Output {
  readonly isTerminal: boolean;
  out(line: string): void;
}

/** What the demo looks like: colours and a spinner on a terminal, the same lines plainly elsewhere. */
export class Screen {
  readonly colours: ReturnType<typeof pc.createColors>;
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
    this.colours = pc.createColors(output.isTerminal);
  }

  heading(text: string): void {
    this.#output.out("");
    this.#output.out(this.colours.bold(text));
  }

  line(text: string): void {
    this.#output.out(`   ${text}`);
  }

  /** What an operator would type. */
  command(text: string): void {
    this.line(`${this.colours.dim("$")} ${this.colours.cyan(text)}`);
  }

  /** Something that was shown and verified. */
  verified(text: string): void {
    this.line(`${this.colours.green("✓")} ${text}`);
  }

  added(text: string): void {
    this.line(this.colours.green(`+ ${text}`));
  }

  removed(text: string): void {
    this.line(this.colours.red(`- ${text}`));
  }

  /** Shows that something is going on for as long as it does. Nothing of it stays on the screen. */
  async during<Result>(text: () => string, work: Promise<Result>): Promise<Result> {
    if (!this.#output.isTerminal) return work;
    const began = performance.now();
    let frame = 0;
    const show = (before: string) => {
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const line = `${FRAMES[frame++ % FRAMES.length]} ${text()} ${seconds} s`;
      this.#output.out(`${before}   ${this.colours.dim(line.slice(0, columns() - 4))}`);
    };
    show("");
    const timer = setInterval(() => show(AGAIN), FRAME_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      // The next line takes this one's place.
      this.#output.out(`${AGAIN}\x1b[1A`);
    }
  }
}

/** A line that wraps could not be taken back. */
function columns(): number {
  return process.stdout.columns || 80;
}
