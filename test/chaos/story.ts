import { type Ground, openGround } from "./ground.ts";
import { heal, MOVES, pause, swapAll } from "./moves.ts";
import { observe } from "./observer.ts";
import type { Pair } from "./pair.ts";
import { childrenOf, footprintOf } from "./processes.ts";
import type { Random } from "./random.ts";
import { judge, look } from "./verdict.ts";

export interface Story {
  readonly random: Random;
  readonly minutes: number;
  readonly say: (line: string) => void;
  /** Whether each move is said. */
  readonly tell: boolean;
}

const LONGEST_REST_MS = 1_200;
const MINUTE_MS = 60_000;

/** Opens the world, troubles it for the time given, heals it and judges. Throws with everything that was found. */
export async function playStory(story: Story): Promise<void> {
  const childrenBefore = await childrenOf(process.pid);
  await inWorld(story);
  const left = (await childrenOf(process.pid)).filter((child) => !childrenBefore.includes(child));
  if (left.length > 0) throw new Error(`processes outlived the world: ${left.join(", ")}`);
}

async function inWorld({ random, minutes, say, tell }: Story): Promise<void> {
  await using ground = await openGround();
  await ground.agent.converged();
  const before = await look(ground);
  await using observer = observe({
    envFile: ground.agent.envFile,
    atFirst: before.variables,
    databases: addresses(ground.postgres),
    caches: addresses(ground.redis),
  });
  try {
    await trouble(ground, random, minutes, say, tell);
    const sinceHealing = stopwatch();
    const primaries = await heal(ground, random);
    await judge(ground, before, primaries);
    say(`healed: as it has to be after ${sinceHealing()} s`);
    // A watch that was lost on the way would not tell of these.
    const sinceMoving = stopwatch();
    const others = await swapAll(ground);
    await judge(ground, before, others);
    say(`moved once more: as it has to be after ${sinceMoving()} s`);
  } catch (error) {
    say(ground.agent.output().trimEnd().split("\n").slice(-60).join("\n"));
    throw error;
  }
  say(`the file was read ${observer.seen()} times`);
  if (observer.troubles().length > 0) throw new Error(observer.troubles().join("; "));
}

async function trouble(
  ground: Ground,
  random: Random,
  minutes: number,
  say: Story["say"],
  tell: boolean,
): Promise<void> {
  const beganMs = performance.now();
  const passed = stopwatch();
  const counts = new Map<string, number>();
  let toldMinutes = 0;
  while (performance.now() - beganMs < minutes * MINUTE_MS) {
    const server = ground.isConsulUp ? "up" : "down";
    const move = random.weighed(MOVES.filter((each) => each.server === undefined || each.server === server));
    if (tell) say(`${passed()} s: ${move.name}`);
    await move.make(ground, random);
    counts.set(move.name, (counts.get(move.name) ?? 0) + 1);
    await pause(random.integer(0, LONGEST_REST_MS));
    const minute = Math.floor((performance.now() - beganMs) / MINUTE_MS);
    if (minute > toldMinutes) say(`minute ${minute}: ${await summary(ground, counts)}`);
    toldMinutes = minute;
  }
  say(`moves: ${[...counts].map(([name, count]) => `${name} ${count}`).join(", ")}`);
}

async function summary({ agent }: Ground, counts: ReadonlyMap<string, number>): Promise<string> {
  const moves = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const reloads = (await agent.reloads()).length;
  const state = await agent.status().then(
    ({ state: word, problems }) => `${word}, ${problems.length} problems`,
    () => "starting",
  );
  const { residentMb, sockets, descriptors } = await footprintOf(agent.pid());
  return `${moves} moves, ${reloads} reloads, now ${state}; ${residentMb} MB, ${sockets} sockets, ${descriptors} descriptors`;
}

function stopwatch(): () => string {
  const beganMs = performance.now();
  return () => ((performance.now() - beganMs) / 1000).toFixed(1);
}

function addresses({ instances }: Pair): readonly string[] {
  return instances.map(({ proxy }) => `${proxy.host}:${proxy.port}`);
}
