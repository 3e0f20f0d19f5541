import { play } from "./play.ts";
import { type Output, Screen } from "./screen.ts";
import { Stage } from "./stage.ts";
import { tellStory } from "./story.ts";
import { type DemoWorld, startDemoWorld } from "./world.ts";

export interface Show extends Output {
  readonly version: string;
  /** Ends by itself when the story has been told. */
  readonly once: boolean;
}

export type Ending = "told" | "interrupted";

const TAIL_LINES = 20;
const GRACE_MS = 500;

/**
 * Starts a throwaway world, tells the story in it and takes it away again, whatever happens.
 * @throws Error naming what was not so, or could not be started
 */
export async function show({ once, version, ...output }: Show, signal: AbortSignal): Promise<Ending> {
  const screen = new Screen(output);
  const began = performance.now();
  signal.addEventListener("abort", () => screen.heading("Stopping everything."), { once: true });
  screen.heading(`mastodon-agent ${version}, in a throwaway world on loopback`);
  try {
    await using world = await raise(screen, signal);
    const stage = new Stage(world, screen, signal);
    await withTail(world, signal, tellStory(stage));
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    screen.heading(`Everything shown was verified, in ${seconds} s.`);
    if (!once) await withTail(world, signal, play(stage, signal));
    return "told";
  } catch (error) {
    endSoon();
    if (signal.aborted) return "interrupted";
    throw error;
  }
}

/** Where a start-up was cut off, something may poll on for what will not come. It need not be waited for. */
function endSoon(): void {
  setTimeout(() => process.exit(), GRACE_MS).unref();
}

async function raise(screen: Screen, signal: AbortSignal): Promise<DemoWorld> {
  const began = performance.now();
  let open: readonly string[] = [];
  const waiting = (names: readonly string[]) => {
    open = names;
  };
  const world = await screen.during(() => `starting ${open.join(", ")}`, startDemoWorld(waiting, signal));
  const { consul, postgres, redis1, redis2 } = world;
  const place = ({ host, port }: { host: string; port: number }) => `${host}:${port}`;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  screen.verified(`Consul ${consul.join} (gossip encrypted), Postgres ${place(postgres)}`);
  screen.verified(`Redis ${place(redis1)} and ${place(redis2)}; started in ${seconds} s`);
  return world;
}

/** What the agent said last explains most failures. */
async function withTail(world: DemoWorld, signal: AbortSignal, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (signal.aborted) throw error;
    const tail = world.agent.tail().split("\n").slice(-TAIL_LINES).join("\n");
    throw new Error(
      `${error instanceof Error ? error.message : String(error)}\nThe agent's last words:\n${tail}`,
      {
        cause: error,
      },
    );
  }
}
