import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import { isAgentError, messageOf, sentence } from "../base/errors.ts";
import type { Complaining, Problems } from "../report/problems.ts";

/**
 * What was wrong with the configuration when it was last read again. It outlives the agent's rounds: one that keeps its
 * old configuration must still say that its next start would fail.
 */
export class RefusedConfiguration {
  readonly #bell = new Bell();
  readonly #reload: string;
  #problem: Complaining | undefined;

  /** @param pid of the agent */
  constructor(pid: number) {
    this.#reload = `kill -HUP ${pid}`;
  }

  refuse(error: unknown): void {
    this.#problem = refusalOf(error, this.#reload);
    this.#bell.ring();
  }

  accept(): void {
    this.#problem = undefined;
    this.#bell.ring();
  }

  async report(problems: Problems, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      problems.replace("configuration", this.#problem === undefined ? [] : [this.#problem]);
      await this.#bell.wait(undefined, steadyMs(), signal);
    }
  }
}

/** One problem, however much is wrong: one reload corrects it. */
function refusalOf(error: unknown, reload: string): Complaining {
  const complaints = isAgentError(error) ? [error.complaint, ...error.others] : [];
  const said = complaints.length === 0 ? messageOf(error) : complaints.map(sentence).join(" ");
  return {
    code: "configuration_refused",
    about: complaints[0]?.where ?? "the agent's configuration",
    message: `${said} The agent keeps the configuration it had, but would not start with this one. Once corrected: ${reload}.`,
  };
}
