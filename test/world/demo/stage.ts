import type { MastodonUnit } from "../mastodon.ts";
import { until } from "../until.ts";
import type { Entry } from "./agent-log.ts";
import { type Change, changes, type EnvFile, readEnvFile } from "./env-file.ts";
import type { Screen } from "./screen.ts";
import type { DemoWorld } from "./world.ts";

const DEADLINE_MS = 30_000;
/** The units in the order in which the agent reloads them. */
export const ORDER = ["sidekiq", "web", "streaming"] as const;

/** What the world looks like at one moment, for comparison with a later one. */
export interface Look {
  readonly file: EnvFile;
  readonly boots: Readonly<Record<MastodonUnit, number>>;
  readonly mark: number;
}

/** What one change did, by the agent's log, the file and the units' own word. Times are from the cause on. */
export interface Effect {
  readonly changes: readonly Change[];
  /** In the order in which it was done. */
  readonly reloaded: readonly MastodonUnit[];
  readonly toDiskMs: number;
  readonly toHealthyMs: number;
}

/** Where the story is played. */
export class Stage {
  readonly world: DemoWorld;
  readonly screen: Screen;
  readonly #signal: AbortSignal;

  constructor(world: DemoWorld, screen: Screen, signal: AbortSignal) {
    this.world = world;
    this.screen = screen;
    this.#signal = signal;
  }

  async look(): Promise<Look> {
    const { mastodon, agent } = this.world;
    const [sidekiq, web, streaming] = await Promise.all([
      mastodon.boots("sidekiq"),
      mastodon.boots("web"),
      mastodon.boots("streaming"),
    ]);
    return {
      file: await readEnvFile(mastodon.envFile),
      boots: { sidekiq, web, streaming },
      mark: agent.log.mark(),
    };
  }

  /** Waits for the agent to say it. */
  logged(message: string, mark: number): Promise<Entry> {
    return this.until(`the agent to say "${message}"`, () => this.world.agent.log.since(mark, message));
  }

  /** Waits until the change that has just been caused is applied, and tells what it did. */
  async effect(before: Look, causedMs: number): Promise<Effect> {
    const written = await this.logged("file written", before.mark);
    const applied = await this.logged("change applied", before.mark);
    const after = await this.until("its units to have booted", async () => {
      const look = await this.look();
      // Sidekiq notes its boot once it has reached Redis, which may be after the agent has seen its process.
      const isDone = (unit: MastodonUnit) => look.boots[unit] > before.boots[unit];
      return ORDER.filter((unit) => applied.units?.includes(unit)).every(isDone) ? look : undefined;
    });
    return {
      changes: changes(before.file, after.file),
      reloaded: ORDER.filter((unit) => after.boots[unit] > before.boots[unit]),
      toDiskMs: Math.max(0, written.time - causedMs),
      toHealthyMs: applied.time - causedMs,
    };
  }

  /** Waits with a spinner. @throws when the demo is ended, the agent died, or the deadline has passed */
  async until<Value>(
    what: string,
    condition: () => Value | undefined | Promise<Value | undefined>,
  ): Promise<Value> {
    const { agent } = this.world;
    const ask = async () => {
      if (this.#signal.aborted || !agent.isRunning()) return { kind: "over" } as const;
      const value = await condition();
      return value === undefined ? undefined : ({ kind: "held", value } as const);
    };
    const answer = await this.screen.during(() => `waiting for ${what}`, until(what, ask, DEADLINE_MS));
    if (answer.kind === "held") return answer.value;
    this.#signal.throwIfAborted();
    throw new Error("the agent ended");
  }
}

/** Everything that is shown is also true. @throws Error if it is not */
export function verify(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`not verified: ${what}`);
}
